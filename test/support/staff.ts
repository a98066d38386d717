/** The operator's people in tests: invited, joined, with an authenticator app; and what the route-table suites need. Runs in workerd. */
import { v7 as uuidv7 } from "uuid";
import { type Permission, permissionsOf } from "../../src/services/permissions.ts";
import { SoftwareAuthenticator } from "./authenticator.ts";
import { call, env, jurisdiction, ORIGIN, type TestTenant } from "./cell.ts";
import { codeOf } from "./factors.ts";
import { acceptInvitation, linkTo, memberSession } from "./people.ts";

const AUTH = `/v1/auth/${jurisdiction}`;
const STEP_MS = 30_000;

export interface TestStaff {
  staffId: string;
  sessionId: string;
  token: string;
  email: string;
}

export const staffEmail = () => `s${uuidv7()}@example.org`;

export const inviteStaff = (email: string, key = env.OPERATOR_SECRET) =>
  call("/v1/staff", { key, body: { email, name: "Grace" } });

/** With a session that was opened with one factor. */
export async function newStaff(): Promise<TestStaff> {
  const email = staffEmail();
  const invited = await inviteStaff(email);
  if (invited.status !== 201) throw new Error(`not invited: ${invited.status} ${await invited.text()}`);
  const accepted = await acceptInvitation(await linkTo(email));
  const { token, person_id, session_id } = (await accepted.json()) as Record<string, string>;
  if (!token || !person_id || !session_id) throw new Error(`not joined: ${accepted.status}`);
  return { staffId: person_id, sessionId: session_id, token, email };
}

/** Adds an authenticator app to whoever holds this session. `code(n)` is that of n steps from now: each counts once. */
export async function addTotp(token: string): Promise<{ code: (steps?: number) => string; recoveryCodes: string[] }> {
  const begun = await call(`${AUTH}/factors/totp`, { key: token, method: "POST" });
  const { secret } = (await begun.json()) as { secret: string };
  const code = (steps = 0) => codeOf(secret, Date.now() + steps * STEP_MS);
  const confirmed = await call(`${AUTH}/factors/totp/confirm`, { key: token, body: { code: code(-1) } });
  if (confirmed.status !== 200) throw new Error(`no app: ${confirmed.status} ${await confirmed.text()}`);
  const { recovery_codes } = (await confirmed.json()) as { recovery_codes: string[] };
  return { code, recoveryCodes: recovery_codes };
}

const NOBODYS_PASSKEY = new SoftwareAuthenticator(ORIGIN);

/** Right bodies of the routes about second factors and staff, by operation. */
export const FACTOR_BODIES: Record<string, () => object> = {
  confirmTotp: () => ({ code: "123456" }),
  addPasskey: () => ({ name: "My phone", credential: NOBODYS_PASSKEY.register("AAAA") }),
  renamePasskey: () => ({ name: "My phone" }),
  showSecondFactor: () => ({ totp: "123456" }),
  inviteStaff: () => ({ email: staffEmail(), name: "Grace" }),
  loginStaff: () => ({ email: "nobody@example.org", password: "violet anchor 41 quarrel umbrella" }),
  setStaffPassword: () => ({ password: "violet anchor 41 quarrel umbrella" }),
};

/** Right forms of the pages, by operation. */
export const FACTOR_FORMS: Record<string, Record<string, string>> = {
  showCodeForm: { code: "123456" },
  beginTotpForm: {},
  confirmTotpForm: { code: "123456" },
  removeTotpForm: {},
  newRecoveryCodesForm: {},
  beginPasskeyForm: {},
  addPasskeyForm: { name: "My phone", credential: "{}" },
  removePasskeyForm: { passkey_id: "AQIDBAUG" },
  passkeyChallengeForm: {},
  showPasskeyForm: { credential: "{}" },
};

/** What the public ones answer somebody whom nobody knows. */
export const FACTOR_ANSWERS: Record<string, number> = {
  loginStaff: 401,
  ...Object.fromEntries(Object.keys(FACTOR_FORMS).map((operationId) => [operationId, 401])),
};

/** What else a key has to hold: nobody takes factors away from somebody who holds more than they do. */
export const FACTOR_NEEDS: Record<string, readonly Permission[]> = { resetMemberFactors: permissionsOf("viewer") };

/** Fresh things that an operation about factors or staff may use up; nothing for the other operations. */
export async function factorsFor(operationId: string, tenant: TestTenant): Promise<Record<string, string>> {
  if (operationId === "resetMemberFactors") return { memberId: (await memberSession("viewer", { tenant })).memberId };
  if (["removeStaff", "resetStaffFactors"].includes(operationId)) return { staffId: (await newStaff()).staffId };
  if (operationId === "withdrawStaffInvitation") {
    return { invitationId: ((await (await inviteStaff(staffEmail())).json()) as { id: string }).id };
  }
  return {};
}
