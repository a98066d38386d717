/** The pages of signing in. All work without script; what they say is the same whether an account exists or not. */
import { html } from "hono/html";
import { shownUserCode } from "../../services/access/people/devices.ts";
import type { SessionPrincipal } from "../../services/access/principal.ts";
import type { Fragment } from "./layout.ts";

export const SIGN_IN_TITLE = "Sign in";

/** `base`: `/v1/auth/eu`. `tenantId`: whose provider is offered too, whether it has one or not. */
export function signInForm(base: string, hint: string | null = null, tenantId: string | null = null): Fragment {
  const sso =
    tenantId === null
      ? ""
      : html`<p><a href="${base}/sso/${tenantId}">Sign in with your organisation’s account</a></p>`;
  return html`${sso}${hint === null ? "" : html`<p>${hint}</p>`}<p>We send you a link. It works once, in this browser.</p>
<form method="post" action="${base}/sign-in">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="email" inputmode="email" required maxlength="254" autofocus>
<button>Send the link</button>
</form>`;
}

export const CHECK_MAIL_TITLE = "Look into your mail";

export function checkMail(base: string, minutes: number): Fragment {
  return html`<p>If the address is known here, a mail with a link is on its way. Open the link in <strong>this browser</strong>, within ${minutes} minutes.</p>
<p class="hint">No mail after a minute? Look among unwanted mail. In a quarter of an hour at most five are sent.</p>
<p><a href="${base}/sign-in">Use another address</a></p>`;
}

export const LINK_TITLE = "Finish signing in";

/** Nothing is used up by showing it: programs that look through mail open links too. */
export function linkForm(base: string, token: string): Fragment {
  return html`<p>One more press, so that no program that reads your mail signs in for you.</p>
<form method="post" action="${base}/link">
<input type="hidden" name="token" value="${token}">
<button autofocus>Sign in</button>
</form>`;
}

export const INVITATION_TITLE = "You are invited";

export function invitationForm(base: string, token: string): Fragment {
  return html`<p>Accept to become a member. You are signed in in this browser then.</p>
<form method="post" action="${base}/invitation">
<input type="hidden" name="token" value="${token}">
<label for="name">Your name, as colleagues see it</label>
<input id="name" name="name" autocomplete="name" maxlength="100" aria-describedby="name-hint">
<p class="hint" id="name-hint">Empty: as whoever invited you wrote it.</p>
<button>Accept</button>
</form>`;
}

export const SIGNED_IN_TITLE = "You are signed in";

/** Somebody may be a member of several tenants. */
const whose = ({
  tenantId,
  person,
}: SessionPrincipal): Fragment => html`${tenantId === null ? html`<dt>Account</dt><dd>one of the operator’s people</dd>` : html`<dt>Tenant</dt><dd><code>${tenantId}</code></dd>`}
${person.role === null ? "" : html`<dt>Role</dt><dd>${person.role.replace("_", " ")}</dd>`}`;

export function signedIn(base: string, session: SessionPrincipal): Fragment {
  const { person } = session;
  return html`<dl>
${whose(session)}
<dt>Second factor</dt><dd>${person.secondFactorAtMs === null ? "not shown in this session" : "shown"}</dd>
</dl>
<p><a href="${base}/second-factors">Second factors</a></p>
${deviceForm(base)}
<form method="post" action="${base}/sign-out"><button class="quiet">Sign out</button></form>`;
}

export const DEVICE_TITLE = "Sign a device in";

export function deviceForm(base: string): Fragment {
  return html`<form method="get" action="${base}/device">
<label for="user_code">Code that a device or a command shows you</label>
<input id="user_code" name="user_code" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" required maxlength="20" placeholder="WDJB-MJHT">
<button class="quiet">Continue</button>
</form>`;
}

export function approveForm(base: string, code: string, device: string, as: SessionPrincipal): Fragment {
  return html`<p>This asks to act as you, with all that you may do, for as long as this session of yours lasts:</p>
<dl><dt>Program</dt><dd>${device}</dd>${whose(as)}<dt>Code</dt><dd class="code">${shownUserCode(code)}</dd></dl>
<p><strong>Approve only if you have just started this yourself</strong> and it shows the same code. Nobody who calls or writes to you needs you to do this.</p>
<form method="post" action="${base}/device/approve">
<input type="hidden" name="user_code" value="${code}"><input type="hidden" name="decision" value="approve">
<button>Approve</button>
</form>
<form method="post" action="${base}/device/approve">
<input type="hidden" name="user_code" value="${code}"><input type="hidden" name="decision" value="refuse">
<button class="quiet">Refuse</button>
</form>`;
}

/** Nothing was decided. Once it was shown, the way leads back here. */
export function factorFirst(base: string): Fragment {
  return html`<p>You have a second factor. Show it first: the device is to act as you.</p>
<p><a href="${base}/second-factors">Show the second factor</a></p>`;
}

export function deviceDecided(base: string, approved: boolean): Fragment {
  return html`<p>${approved ? "The device is signed in within a few seconds. You can close this page." : "The device was refused. Nothing was signed in."}</p>
<p><a href="${base}/signed-in">Your session</a></p>`;
}

export function noSuchCode(base: string): Fragment {
  return html`<p class="bad">No device waits under this code. Codes are good for fifteen minutes; perhaps it is mistyped, or was used.</p>
${deviceForm(base)}`;
}

export const SIGNED_OUT_TITLE = "You are signed out";

export const signedOut = (
  base: string,
  tenantId: string | null,
): Fragment => html`<p>The session has ended, here and everywhere that its token was known.</p>
<p><a href="${base}/sign-in${tenantId === null ? "" : `?tenant_id=${tenantId}`}">Sign in again</a></p>`;
