/** People in tests: members with a role and an open session, made in the tenant's object with no entry that tells of it. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import { SqlitePeopleBook } from "../../durable-objects/people/people-book.ts";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { tenantKeyringFor } from "../../durable-objects/tenant-keyring.ts";
import { makeId } from "../../src/core/ids.ts";
import { mailLookup } from "../../src/services/access/people/address.ts";
import { sealContact } from "../../src/services/access/people/contacts.ts";
import { signSessionToken } from "../../src/services/access/tokens.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { type Permission, permissionsOf, type Role } from "../../src/services/permissions.ts";
import { call, env, jurisdiction, newTenant, ORIGIN, type TestTenant } from "./cell.ts";
import { CLIENT, ISSUER, OpenIdProvider } from "./openid-provider.ts";
import { deskStub } from "./tenancy.ts";

export interface TestMember {
  tenant: TestTenant;
  memberId: string;
  sessionId: string;
  token: string;
  email: string;
}

interface MemberWish {
  tenant?: TestTenant;
  email?: string;
  /** When a second factor was last shown; Unix ms. Default: now, so that sensitive operations are let through. Null: never. */
  secondFactorAtMs?: number | null;
  expiresAtMs?: number;
}

/** A member of this role (of a new tenant, unless one is named) with an open session, and the session's token. */
export async function memberSession(role: Role, wish: MemberWish = {}): Promise<TestMember> {
  const tenant = wish.tenant ?? (await newTenant());
  const config = cellConfig(env);
  const nowMs = Date.now();
  const { email = `${uuidv7()}@example.org`, secondFactorAtMs = nowMs } = wish;
  const memberId = makeId("member", jurisdiction, uuidv7());
  const sessionId = makeId("session", jurisdiction, uuidv7());
  const tenantKeys = tenantKeyringFor(env, config, tenant.tenantId);
  const deps = { tenantId: tenant.tenantId, tenantKeys, sealer: config.sealer };
  const sealed = await sealContact("person", memberId, { email, name: "A member" }, deps);
  const lookup = mailLookup(config.pseudonymPepper, email);
  const index = await inBook(tenant.tenantId, (book) => {
    book.addPerson({ id: memberId, role, sealed, lookup, createdAtMs: nowMs, removedAtMs: null });
    book.changeIndex();
    book.addSession({
      id: sessionId,
      personId: memberId,
      device: "a test",
      createdAtMs: nowMs,
      expiresAtMs: wish.expiresAtMs ?? nowMs + config.tokens.lifetimeS * 1000,
      seenAtMs: nowMs,
      endedAtMs: null,
      secondFactorAtMs,
    });
    const { revision } = book.index();
    book.toldIndex(revision);
    return { revision, lookups: book.people().flatMap((person) => person.lookup ?? []) };
  });
  await cellDesk(env, config).setMailIndex(tenant.tenantId, index.revision, index.lookups);
  const token = await signSessionToken({ sub: memberId, sid: sessionId, tnt: tenant.tenantId }, config.tokens, nowMs);
  return { tenant, memberId, sessionId, token, email };
}

/** Runs with the people of a tenant, inside its object. */
export function inBook<T>(tenantId: string, run: (book: SqlitePeopleBook) => T): Promise<T> {
  return runInDurableObject(deskStub(tenantId), (_, state) =>
    state.storage.transactionSync(() => run(new SqlitePeopleBook(state.storage))),
  );
}

let askers = 0;
/** Somebody at a place of their own, as the edge says: what one place may ask in a minute is no matter of these tests. */
export const fromSomewhere = () => ({ "CF-Connecting-IP": `198.51.${(askers >> 8) & 255}.${askers++ & 255}` });

const cellDeskStub = () => env.CELL_DESK.getByName("cell");

/** Has the cell's object see to the wishes that wait, as its alarm would. */
export const deliverLogins = () => runInDurableObject(cellDeskStub(), (desk: CellDesk) => desk.alarm());

/** Mails to this address, newest first. */
export async function mailsTo(email: string): Promise<{ to: string; subject: string; text: string }[]> {
  const answer = await call("/v1/outbox", { key: env.OPERATOR_SECRET });
  if (answer.status !== 200) throw new Error(`no outbox: ${answer.status}`);
  const { mails } = (await answer.json()) as { mails: { to: string; subject: string; text: string }[] };
  return mails.filter(({ to }) => to === email);
}

/** The token of the newest mail's link. */
export async function linkTo(email: string): Promise<string> {
  const [mail] = await mailsTo(email);
  const token = /[?]token=([\w.-]+)/.exec(mail?.text ?? "")?.[1];
  if (!token) throw new Error(`no link to ${email}`);
  return token;
}

export const AUTH = `/v1/auth/${jurisdiction}`;

/** Asks for a link as a browser would; the cookie that it keeps. */
export async function askForLink(email: string, cookie?: string): Promise<string> {
  const headers = { ...fromSomewhere(), ...(cookie ? { Cookie: cookie } : {}) };
  const answer = await call(`${AUTH}/login`, { body: { email }, headers });
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  return cookieOf(answer, cookieName("browser"));
}

/** As this cell names its cookies. */
export const cookieName = (kept: "browser" | "session" | "device") => `__Host-moonseal-${kept}-${jurisdiction}`;

/** `name=value` of a cookie that an answer sets. */
export function cookieOf(answer: Response, name: string): string {
  const set = answer.headers.getSetCookie().find((each) => each.startsWith(`${name}=`));
  if (!set) throw new Error(`no cookie ${name}`);
  return set.slice(0, set.indexOf(";"));
}

export const confirmLink = (token: string, cookie?: string) =>
  call(`${AUTH}/login/confirm`, {
    body: { token },
    headers: { ...fromSomewhere(), ...(cookie ? { Cookie: cookie } : {}) },
  });

export const acceptInvitation = (token: string, fields: object = {}) =>
  call(`${AUTH}/invitations/accept`, { body: { token, ...fields }, headers: fromSomewhere() });

/** Right bodies of the routes about people, by operation. */
export const PEOPLE_BODIES: Record<string, () => object> = {
  inviteMember: () => ({ email: `p${uuidv7()}@example.org`, name: "Ada", role: "viewer" }),
  updateMember: () => ({ role: "support" }),
  login: () => ({ email: "nobody@example.org" }),
  confirmLogin: () => ({ token: NO_LINK }),
  acceptInvitation: () => ({ token: NO_LINK }),
  deviceToken: () => ({ device_code: "A".repeat(43) }),
  setIdentityProvider: () => PROVIDER_WISH,
};

/** The token of a link that nobody was sent. */
const NO_LINK = `staff.${"A".repeat(43)}`;

/** Right forms of the pages, by operation. */
export const PEOPLE_FORMS: Record<string, Record<string, string>> = {
  signInForm: { email: "nobody@example.org" },
  linkForm: { token: NO_LINK },
  invitationForm: { token: NO_LINK, name: "" },
  signOutForm: {},
  deviceForm: { user_code: "BCDF-GHJK", decision: "approve" },
};

/** What the public routes about people answer to such a body of somebody whom nobody knows; the others answer 200. */
export const PEOPLE_ANSWERS: Record<string, number> = {
  login: 202,
  confirmLogin: 410,
  acceptInvitation: 410,
  deviceToken: 400,
  linkForm: 410,
  invitationForm: 410,
  deviceForm: 401,
  beginSingleSignOn: 404,
  finishSingleSignOn: 422,
};

/** A form as a browser sends it from its own page. */
export function formRequest(fields: Record<string, string>): { rawBody: string; headers: Record<string, string> } {
  const rawBody = new URLSearchParams(fields).toString();
  const headers = {
    ...fromSomewhere(),
    Origin: ORIGIN,
    "Sec-Fetch-Site": "same-origin",
    "Content-Type": "application/x-www-form-urlencoded",
    "Content-Length": String(rawBody.length),
  };
  return { rawBody, headers };
}

/** What else a key has to hold: nobody grants or takes away a role that holds more than they do. */
export const PEOPLE_NEEDS: Record<string, readonly Permission[]> = {
  inviteMember: permissionsOf("viewer"),
  withdrawInvitation: permissionsOf("viewer"),
  resendInvitation: permissionsOf("viewer"),
  updateMember: permissionsOf("support"),
  removeMember: permissionsOf("viewer"),
  // Whoever names the provider could be any of the members.
  setIdentityProvider: permissionsOf("engineer"),
};

/** Fresh things of a tenant that an operation about people may use up; nothing for the other operations. */
export async function peopleFor(operationId: string, tenant: TestTenant): Promise<Record<string, string>> {
  if (["withdrawInvitation", "resendInvitation"].includes(operationId)) {
    const body = PEOPLE_BODIES.inviteMember?.();
    const answer = await call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: tenant.key, body });
    return { invitationId: ((await answer.json()) as { id: string }).id };
  }
  if (["updateMember", "removeMember", "endMemberSessions", "endSession"].includes(operationId)) {
    const { memberId, sessionId } = await memberSession("viewer", { tenant });
    return { memberId, sessionId };
  }
  if (["readIdentityProvider", "setIdentityProvider", "removeIdentityProvider"].includes(operationId)) {
    await standInProvider(tenant);
  }
  return {};
}

/** The tenant's object asks this test's provider from here on; one is set. */
export async function standInProvider(tenant: TestTenant): Promise<OpenIdProvider> {
  const provider = await OpenIdProvider.start();
  await runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
    desk.sso.fetch = provider.fetch;
  });
  const path = `/v1/tenants/${tenant.tenantId}/identity-provider`;
  const answer = await call(path, { method: "PUT", key: tenant.key, body: PROVIDER_WISH });
  if (answer.status !== 200) throw new Error(`no provider: ${answer.status}`);
  return provider;
}

const PROVIDER_WISH = { issuer: ISSUER, client_id: CLIENT.id, client_secret: CLIENT.secret };
