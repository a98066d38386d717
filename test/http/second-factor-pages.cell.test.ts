/** The pages of second factors, as a browser without script uses them, and what the one script of theirs may do. */
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { SoftwareAuthenticator } from "../support/authenticator.ts";
import { env, newTenant, ORIGIN, type TestTenant, workerFetch } from "../support/cell.ts";
import { codeOf } from "../support/factors.ts";
import {
  AUTH,
  cookieName,
  formRequest,
  fromSomewhere,
  inBook,
  memberSession,
  type TestMember,
} from "../support/people.ts";
import { FACTOR_FORMS, newStaff } from "../support/staff.ts";

const PAGE = `${AUTH}/second-factors`;
let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const cookieOf = ({ token }: { token: string }) => `${cookieName("session")}=${token}`;
const get = (of: { token: string }) =>
  workerFetch(ORIGIN + PAGE, { headers: { ...fromSomewhere(), Cookie: cookieOf(of) }, redirect: "manual" });
function post(
  path: string,
  fields: Record<string, string>,
  of: { token: string },
  changes: Record<string, string> = {},
) {
  const { rawBody, headers } = formRequest(fields);
  const all = { ...headers, Cookie: cookieOf(of), ...changes };
  return workerFetch(ORIGIN + PAGE + path, { method: "POST", body: rawBody, headers: all, redirect: "manual" });
}
const secretIn = (page: string) => /<code>((?:[A-Z2-7]{4} ?){8})<\/code>/.exec(page)?.[1] ?? "";
const optionsIn = (page: string) =>
  JSON.parse((/data-options="([^"]*)"/.exec(page)?.[1] ?? "").replaceAll("&quot;", '"')) as { challenge: string };
const newMember = () => memberSession("viewer", { tenant, secondFactorAtMs: null });

/** Adds an app by the pages alone. */
async function withApp(of: TestMember) {
  const secret = secretIn(await (await post("/app", {}, of)).text());
  const code = (steps = 0) => codeOf(secret, Date.now() + steps * 30_000);
  const done = await post("/app/confirm", { code: code(-1) }, of);
  return { code, page: await done.text() };
}

describe("the pages of second factors", () => {
  test("add an app without script: a QR code, the secret as text, a code, and the recovery codes", async () => {
    const member = await newMember();
    expect(await (await get(member)).text()).toContain("You have none yet");
    const begun = await post("/app", {}, member);
    const page = await begun.text();
    expect(page).toMatch(/<img src="data:image\/svg\+xml;base64,[A-Za-z0-9+/=]+" alt="QR code/);
    expect(begun.headers.get("Content-Security-Policy")).not.toContain("script-src");
    const { page: codes, code } = await withApp(member);
    expect(codes.match(/<li><code>[0-9a-z-]{19}<\/code>/g)).toHaveLength(10);
    const shown = await post("/show", { code: `${code(0).slice(0, 3)} ${code(0).slice(3)}` }, member);
    expect([shown.status, shown.headers.get("Location")]).toEqual([303, PAGE]);
    const recovery = /<li><code>([0-9a-z-]{19})<\/code>/.exec(codes)?.[1] ?? "";
    expect((await post("/show", { code: recovery.toUpperCase() }, member)).status).toBe(303);
    expect(await (await get(member)).text()).toContain("9 left");
    expect((await post("/recovery-codes", {}, member)).status).toBe(200);
    expect((await post("/app/remove", {}, member)).status).toBe(303);
  });

  test("a wrong code is said on the page that asks again, and the secret is not shown again", async () => {
    const member = await newMember();
    const secret = secretIn(await (await post("/app", {}, member)).text());
    const answer = await post("/app/confirm", { code: "abc" }, member);
    const page = await answer.text();
    expect(answer.status).toBe(403);
    expect(page).toContain('role="alert"');
    expect(page).not.toContain(secret.slice(0, 9));
  });

  test("add and show a passkey with one script, which the policy names by its hash", async () => {
    const member = await newMember();
    const device = new SoftwareAuthenticator(cellConfig(env).publicOrigin);
    const begun = await post("/passkeys/begin", {}, member);
    const page = await begun.text();
    const [, script = ""] = /<script>([^]*?)<\/script>/.exec(page) ?? [];
    const hash = createHash("sha256").update(script).digest("base64");
    expect(begun.headers.get("Content-Security-Policy")).toContain(`script-src 'sha256-${hash}';`);
    expect(script).not.toMatch(/fetch|XMLHttp|storage|cookie|innerHTML|eval/);
    const credential = JSON.stringify(device.register(optionsIn(page).challenge));
    const added = await post("/passkeys", { name: "<b>My phone</b>", credential }, member);
    expect(await added.text()).toContain("recovery codes");
    expect(await (await get(member)).text()).toContain("&lt;b&gt;My phone&lt;/b&gt;");
    const asked = await (await post("/passkeys/challenge", {}, member)).text();
    const proof = JSON.stringify(device.assert(optionsIn(asked).challenge));
    expect((await post("/passkeys/show", { credential: proof }, member)).status).toBe(303);
    expect((await post("/passkeys/show", { credential: proof }, member)).status).toBe(403);
    expect((await post("/passkeys/remove", { passkey_id: device.id }, member)).status).toBe(303);
  });

  test("tell one of the operator's people that nothing works without", async () => {
    expect(await (await get(await newStaff())).text()).toContain("needs a second factor before it can do anything");
  });

  test("S2-12 a stolen cookie of a session with one factor adds no factor beside the owner's", async () => {
    const member = await newMember();
    await withApp(member);
    const atMs = Date.now() - LIMITS.stepUpMs - 1000;
    await inBook(tenant.tenantId, (book) => book.secondFactorShown(member.sessionId, atMs));
    for (const path of ["/app", "/app/remove", "/recovery-codes", "/passkeys/begin"]) {
      const answer = await post(path, {}, member);
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining("shown again")]);
    }
  });

  test.each(Object.entries(FACTOR_FORMS))(
    "%s: a form of another site, and one without a session, change nothing",
    async (operation, fields) => {
      const member = await newMember();
      const path = PATHS[operation] ?? "?";
      const foreign = await post(path, fields, member, {
        Origin: "https://evil.example",
        "Sec-Fetch-Site": "cross-site",
      });
      expect(foreign.status).toBe(403);
      expect((await post(path, fields, { token: "none" })).status).toBe(401);
      expect(await (await get(member)).text()).toContain("You have none yet");
    },
  );
});

const PATHS: Record<string, string> = {
  showCodeForm: "/show",
  beginTotpForm: "/app",
  confirmTotpForm: "/app/confirm",
  removeTotpForm: "/app/remove",
  newRecoveryCodesForm: "/recovery-codes",
  beginPasskeyForm: "/passkeys/begin",
  addPasskeyForm: "/passkeys",
  removePasskeyForm: "/passkeys/remove",
  passkeyChallengeForm: "/passkeys/challenge",
  showPasskeyForm: "/passkeys/show",
};
