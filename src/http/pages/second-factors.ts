/** The pages of second factors. An authenticator app and recovery codes work without script; a passkey needs one, as browsers have it. */
import { html, raw } from "hono/html";
import { toBase64 } from "../../core/bytes.ts";
import { sha256 } from "../../crypto/sha256.ts";
import type { FactorList, TotpEnrolment } from "../../services/access/factors/calls.ts";
import type { AuthenticationOptions, RegistrationOptions } from "../../services/access/factors/passkeys.ts";
import type { Fragment } from "./layout.ts";

export const FACTORS_TITLE = "Second factors";

/** `base`: `/v1/auth/eu`. `isNeeded`: nothing works before one is there. */
export function factorsBody(base: string, factors: FactorList, isNeeded: boolean): Fragment {
  const { totpAddedAt, passkeys, recoveryCodesLeft, shownAt } = factors;
  const has = totpAddedAt !== null || passkeys.length > 0;
  const none = isNeeded
    ? html`<p class="bad">Your account needs a second factor before it can do anything.</p>`
    : html`<p>You have none yet. What is sensitive asks for one.</p>`;
  return html`${has ? html`<p>Shown in this session: ${shownAt === null ? "not yet" : day(shownAt)}.</p>` : none}
${has ? showForm(base, null, passkeys.length > 0) : ""}
<h2>Authenticator app</h2>
${totpAddedAt === null ? html`<p>None.</p>` : html`<p>Added ${day(totpAddedAt)}.</p>`}
<form method="post" action="${base}/second-factors/app"><button class="quiet">${totpAddedAt === null ? "Add an app" : "Replace the app"}</button></form>
${totpAddedAt === null ? "" : html`<form method="post" action="${base}/second-factors/app/remove"><button class="quiet">Remove the app</button></form>`}
<h2>Passkeys</h2>
${passkeys.map(
  ({ id, name, addedAt }) => html`<form method="post" action="${base}/second-factors/passkeys/remove">
<p>${name}, added ${day(addedAt)}</p>
<input type="hidden" name="passkey_id" value="${id}"><button class="quiet">Remove ${name}</button>
</form>`,
)}
<form method="post" action="${base}/second-factors/passkeys/begin"><button class="quiet">Add a passkey</button></form>
${
  has
    ? html`<h2>Recovery codes</h2><p>${recoveryCodesLeft} left.</p>
<form method="post" action="${base}/second-factors/recovery-codes"><button class="quiet">Make ten new ones</button></form>`
    : ""
}
<p><a href="${base}/signed-in">Your session</a></p>`;
}

/** `wrong`: what was said about the one before. */
export function showForm(base: string, wrong: string | null, hasPasskey: boolean): Fragment {
  return html`${wrong === null ? "" : html`<p class="bad" role="alert">${wrong}</p>`}
<form method="post" action="${base}/second-factors/show">
<label for="code">Code of your app, or a recovery code</label>
<input id="code" name="code" autocomplete="one-time-code" spellcheck="false" required maxlength="40">
<button>Show it</button>
</form>
${hasPasskey ? html`<form method="post" action="${base}/second-factors/passkeys/challenge"><button class="quiet">Use a passkey</button></form>` : ""}`;
}

export const APP_TITLE = "Add an authenticator app";

export function appForm(base: string, { secret, qrSvg }: TotpEnrolment): Fragment {
  return html`<p>Scan this with your app, or type the secret into it. It is not shown again.</p>
<p><img src="data:image/svg+xml;base64,${btoa(qrSvg)}" alt="QR code of the secret below" width="240" height="240"></p>
<p><code>${secret}</code></p>
${appCodeForm(base, null)}`;
}

export function appCodeForm(base: string, wrong: string | null): Fragment {
  return html`${wrong === null ? "" : html`<p class="bad" role="alert">${wrong}</p>`}
<form method="post" action="${base}/second-factors/app/confirm">
<label for="code">The code that the app shows now</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="20">
<button>Finish</button>
</form>
<p><a href="${base}/second-factors">Back</a></p>`;
}

export const CODES_TITLE = "Your recovery codes";

export function codesBody(next: string, codes: readonly string[]): Fragment {
  return html`<p>Each is good once, when your app or passkey is gone. Keep them where you keep what must not be lost: they are
not shown again.</p>
<ul>${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul>
<p><a href="${next}">I have kept them</a></p>`;
}

export const PASSKEY_TITLE = "Add a passkey";

export function passkeyForm(base: string, options: RegistrationOptions): Fragment {
  return html`<noscript><p class="bad">Passkeys need script. An authenticator app works without.</p></noscript>
<form method="post" action="${base}/second-factors/passkeys" data-passkey="create" data-options="${JSON.stringify(options)}">
<label for="name">A name for it, such as “My phone”</label>
<input id="name" name="name" required maxlength="100">
<input type="hidden" name="credential">
<button>Add it</button>
<p class="bad" role="alert" hidden></p>
</form>
<p><a href="${base}/second-factors">Back</a></p>
<script>${raw(PASSKEY_SCRIPT)}</script>`;
}

export const USE_PASSKEY_TITLE = "Use a passkey";

export function usePasskeyForm(base: string, options: AuthenticationOptions): Fragment {
  return html`<noscript><p class="bad">Passkeys need script. A code works without.</p></noscript>
<form method="post" action="${base}/second-factors/passkeys/show" data-passkey="get" data-options="${JSON.stringify(options)}">
<input type="hidden" name="credential">
<button autofocus>Use it</button>
<p class="bad" role="alert" hidden></p>
</form>
<p><a href="${base}/second-factors">Back</a></p>
<script>${raw(PASSKEY_SCRIPT)}</script>`;
}

/** Asks the browser for the passkey and sends its answer with the form. Nothing else: no network, no storage. */
const PASSKEY_SCRIPT = `const form=document.querySelector("form[data-passkey]");
form.addEventListener("submit",async(event)=>{
event.preventDefault();
const say=form.querySelector("[role=alert]");say.hidden=true;
try{
const json=JSON.parse(form.dataset.options);
const made=form.dataset.passkey==="create"
?await navigator.credentials.create({publicKey:PublicKeyCredential.parseCreationOptionsFromJSON(json)})
:await navigator.credentials.get({publicKey:PublicKeyCredential.parseRequestOptionsFromJSON(json)});
form.elements.credential.value=JSON.stringify(made.toJSON());
form.submit();
}catch{say.textContent="The browser gave no passkey. Try again.";say.hidden=false}
});`;

/** For the policy of the pages that have it. */
export const PASSKEY_SCRIPT_SOURCE = `'sha256-${toBase64(sha256(PASSKEY_SCRIPT))}'`;

const day = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
