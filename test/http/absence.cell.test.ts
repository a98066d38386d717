/**
 * Proofs of absence: what is private about a person goes through every operation of the OpenAPI document, rightly and wrongly;
 * afterwards every table, object, file, log line and error body is searched for it. It stands where KEY_REGISTRY says, sealed.
 */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { KEY_REGISTRY, SLOT_NAMES } from "../../src/crypto/key-registry.ts";
import { parseSealedHeader } from "../../src/crypto/sealed.ts";
import { ACCESS_BODIES, accessFor, FOR_STAFF_ALONE } from "../support/access.ts";
import { CANARY, canaryEvent } from "../support/canaries.ts";
import { alarmLater, call, env, inLog, jurisdiction, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { askToDelete, untilDeleted } from "../support/deletion.ts";
import { dumpCell, placesWith, type StoredText, spellingsOf } from "../support/dump.ts";
import { EVENT_TYPE_BODIES, ownEventType } from "../support/event-types.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import { placeHold, REVIEW_AT } from "../support/holds.ts";
import { newServiceAccount } from "../support/keys.ts";
import { idsOfNothing, type Operation, operations, pathWith } from "../support/operations.ts";
import { PEOPLE_FORMS, peopleFor } from "../support/people.ts";
import { FACTOR_FORMS, factorsFor } from "../support/staff.ts";
import { staffSession } from "../support/staff-session.ts";

let tenant: TestTenant;
let staffToken: string;
let domainId: string;
let values: Record<string, string>;
const logged: string[] = [];
/** Of answers that are no success: everything that went out. */
const errors: string[] = [];
/** Of successes, by operation. */
const answers: [string, string][] = [];
const dumps: StoredText[][] = [];
/** Operations that take a body and are not in BODIES. */
const unthought: string[] = [];

/** Right bodies with something private wherever the operation takes it; a new operation must be thought about here. */
const BODIES: Record<string, () => object | null> = {
  addCheckpoint: () => null,
  addProbeReport: () => null,
  createTenant: () => null,
  makeEvidenceSet: () => null,
  exportEntries: () => ({ domain_id: domainId, q: `actor:${CANARY.identityId} "${CANARY.email}"` }),
  createImport: () => null,
  createExport: () => ({ filter: { subjects: [CANARY.identityId] }, formats: ["json", "csv"] }),
  linkExport: () => null,
  deleteTenant: () => null,
  updateTenant: () => ({ name: "a name of a company" }),
  changeTier: () => null,
  createDomain: () => null,
  createKey: () => null,
  rotateKey: () => null,
  createServiceAccount: () => null,
  describeServiceAccount: () => null,
  setRateLimits: () => null,
  addEventType: () => ({ ...EVENT_TYPE_BODIES.addEventType?.(), event_schema: { enum: [CANARY.email] } }),
  addEventTypeVersion: () => ({ ...EVENT_TYPE_BODIES.addEventTypeVersion?.(), description: CANARY.email }),
  changeDomainSettings: () => null,
  setRetention: () => null,
  setDomainRetention: () => null,
  confirmDomainRetention: () => null,
  reportLeak: () => null,
  requestAccess: () => ({ ...ACCESS_BODIES.requestAccess?.(), reason: CANARY.holdReason }),
  breakGlass: () => ({ ...ACCESS_BODIES.breakGlass?.(), reason: CANARY.holdReason }),
  approveAccess: () => ({}),
  recoverTenant: () => ({ reason: CANARY.holdReason, owner: { email: CANARY.email, name: CANARY.holdOwner } }),
  confirmTotp: () => null,
  addPasskey: () => null,
  renamePasskey: () => ({ name: CANARY.name }),
  showSecondFactor: () => ({ totp: "123456" }),
  inviteStaff: () => ({ email: CANARY.email, name: CANARY.name }),
  loginStaff: () => ({ email: CANARY.email, password: CANARY.reason }),
  setStaffPassword: () => ({ password: CANARY.reason }),
  inviteMember: () => ({ email: CANARY.email, name: CANARY.name, role: "viewer" }),
  updateMember: () => ({ role: "viewer" }),
  login: () => ({ email: CANARY.email }),
  confirmLogin: () => ({ token: CANARY.session }),
  acceptInvitation: () => ({ token: CANARY.session, name: CANARY.name }),
  deviceToken: () => ({ device_code: CANARY.session }),
  ...Object.fromEntries(Object.keys({ ...PEOPLE_FORMS, ...FACTOR_FORMS }).map((form) => [form, () => null])),
  rotateSlot: () => null,
  retireSlotVersions: () => null,
  setKeyService: () => null,
  setIdentityProvider: () => null,
  startRestore: () => null,
  putArchiveObject: () => null,
  previewLegalHold: () => ({ scope: { people: [CANARY.identityId] } }),
  placeLegalHold: () => ({
    reason: CANARY.holdReason,
    owner: CANARY.holdOwner,
    review_at: REVIEW_AT,
    scope: { people: [CANARY.identityId] },
  }),
  reviewLegalHold: () => ({ note: CANARY.holdReason, review_at: REVIEW_AT }),
  releaseLegalHold: () => ({ reason: CANARY.holdReason }),
  appendEntries: canaryEvent,
  searchEntries: () => ({ identity_id: CANARY.identityId }),
  queryEntries: () => ({ q: `actor:${CANARY.identityId} subject:${CANARY.identityId} "${CANARY.email}"` }),
  countEntries: () => ({ filter: { actors: [CANARY.identityId], targets: [`user:${CANARY.identityId}`] } }),
  facetEntries: () => ({ filter: { not: { subjects: [CANARY.identityId] } } }),
  queryTenantEntries: () => ({ q: `-actor:${CANARY.identityId}` }),
  eraseIdentity: () => ({ identity_id: CANARY.otherPerson }),
  replayErasures: () => ({ from: 0 }),
  eraseIdentityEverywhere: () => ({ identity_id: CANARY.otherPerson }),
  revealEntries: () => ({ identity_id: CANARY.identityId, reason: CANARY.reason }),
};

/** Operations whose right answer is what somebody entitled asked for by name. */
const SHOWS_PEOPLE = [
  "revealEntries",
  "placeLegalHold",
  "readLegalHold",
  "listLegalHolds",
  "reviewLegalHold",
  "releaseLegalHold",
  "recoverTenant",
  "listRecoveries",
  "stopRecovery",
  "withdrawRecovery",
  ...["inviteMember", "listInvitations", "resendInvitation", "listMembers", "updateMember", "readOutbox"],
  "listStaff",
  "inviteStaff",
  ...["requestAccess", "breakGlass", "listAccess", "readAccess"],
  ...["approveAccess", "denyAccess", "endAccess", "withdrawAccess"],
];

/** Bodies that every operation refuses, each made of what must not come back. */
function wrongBodies(operation: Operation): string[] {
  const right = BODIES[operation.operationId]?.() ?? {};
  const event = canaryEvent();
  return [
    JSON.stringify({ ...right, unknown_field: CANARY }),
    JSON.stringify({ ...event, actor: { ...event.actor, type: CANARY.email } }),
    JSON.stringify({ ...event, metadata: { note: CANARY.email }, clear_metadata: ["note"] }),
    JSON.stringify(Object.fromEntries(Object.keys(right).map((name) => [name, { wrong: Object.values(CANARY) }]))),
    JSON.stringify(Object.values(CANARY)),
    `{"note": "${CANARY.email}", `,
    JSON.stringify(CANARY.name),
  ];
}

async function request(
  operation: Operation,
  init: { path?: string; body?: string; headers?: Record<string, string>; key?: string },
) {
  const path = init.path ?? pathWith(operation.path, values);
  const answer = await call(path, {
    method: operation.method,
    key:
      init.key ??
      (FOR_STAFF_ALONE.includes(operation.operationId) ? staffToken : null) ??
      (operation.permission === "cell.read" || /^(?:tenant|staff)[.]/.test(operation.permission)
        ? env.OPERATOR_SECRET
        : tenant.key),
    ...(init.body === undefined ? {} : { rawBody: init.body }),
    headers: init.headers ?? {},
  });
  const sent = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
  if (answer.ok) answers.push([operation.operationId, sent]);
  else errors.push(sent);
  return answer.status;
}

beforeAll(async () => {
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...words) => void logged.push(words.map(String).join(" ")));
  }
  tenant = await newTenant();
  domainId = await newDomain(tenant, { segment_entries: 2 });
  const { id: holdId } = await placeHold(tenant, { domains: [tenant.tenantDomainId] });
  values = {
    tenantId: tenant.tenantId,
    domainId,
    keyId: tenant.keyId,
    holdId,
    erasureId: "0",
    seqOrId: "1",
    serviceAccountId: await newServiceAccount(tenant),
    ...(await peopleFor("withdrawInvitation", tenant)),
    ...(await peopleFor("endSession", tenant)),
    ...(await accessFor("readAccess", tenant.tenantId)),
    passkeyId: "AQIDBAUG",
    ...(({ exportId, linkId }) => ({ exportId, linkId }))(idsOfNothing()),
    action: await ownEventType(tenant),
    ...(await factorsFor("removeStaff", tenant)),
  };
  staffToken = (await staffSession()).token;
  const all = operations().filter(({ operationId }) => !ENDS.includes(operationId));
  for (const operation of [...all].sort(appendsFirst)) {
    const right = operation.hasBody ? rightBody(operation) : null;
    if (right || !operation.hasBody) await request(operation, right ? { body: JSON.stringify(right) } : {});
    if (operation.operationId === "appendEntries") dumps.push(await dumpCell());
    for (const body of operation.hasBody ? wrongBodies(operation) : []) await request(operation, { body });
    const query = new URLSearchParams({
      cursor: CANARY.email,
      limit: CANARY.name,
      from: CANARY.ip,
      order: CANARY.reason,
    });
    await request(operation, { path: `${pathWith(operation.path, values)}?${query}` });
    const strange = Object.fromEntries(Object.keys(values).map((name) => [name, encodeURIComponent(CANARY.email)]));
    await request(operation, { path: pathWith(operation.path, strange) });
    const headers = {
      "X-Request-Id": CANARY.email,
      "Idempotency-Key": CANARY.email,
      "User-Agent": CANARY.userAgent,
      "X-Forwarded-For": CANARY.ip,
      "CF-Connecting-IP": CANARY.ip,
      Cookie: CANARY.session,
    };
    await request(operation, { headers, ...(right ? { body: JSON.stringify(right) } : {}) });
    await request(operation, { headers: { Authorization: `Bearer ${CANARY.session}` } });
  }
  dumps.push(await dumpCell());
  await storesFail();
  await alarmLater(domainId);
  await alarmLater(tenant.tenantDomainId);
  await call(`/v1/domains/${domainId}/audit/verify`, { key: tenant.key });
  dumps.push(await dumpCell());
}, 60_000);

/** Stores fail with what they were given in their messages, as databases do. */
async function storesFail(): Promise<void> {
  const fault = new Error(`D1_ERROR: near ${JSON.stringify(canaryEvent())}`);
  const failing = <T extends object>(store: T, method: string): T =>
    new Proxy(store, {
      get(its, name) {
        const value = Reflect.get(its, name);
        if (name === method) return () => Promise.reject(fault);
        return typeof value === "function" ? value.bind(its) : value;
      },
    });
  const real = await inLog(domainId, (log) => {
    const { stores } = log;
    log.stores = { ...stores, ledger: failing(stores.ledger, "insert"), segments: failing(stores.segments, "put") };
    return stores;
  });
  const append = { method: "POST", key: tenant.key, rawBody: JSON.stringify(canaryEvent()) };
  const path = `/v1/domains/${domainId}/audit/entries`;
  await call(path, { ...append, headers: { Prefer: "wait=replicated" } });
  await alarmLater(domainId);
  await inLog(domainId, (log) => void Object.assign(log, { stores: real }));
  const prepare = () => {
    throw fault;
  };
  const worker = freshWorker({ CONTROL: { prepare, batch: prepare } as unknown as D1Database });
  for (const { method, path: route, hasBody } of operations()) {
    const body = hasBody ? { body: JSON.stringify(canaryEvent()), headers: JSON_AND(tenant.key) } : bearer(tenant.key);
    errors.push(await (await worker(pathWith(route, values), { method, ...body })).text());
  }
}

const JSON_AND = (key: string) => ({ ...bearer(key).headers, "Content-Type": "application/json" });

/** They end what the others need; the last test asks for one. */
const ENDS = ["revokeKey", "deleteTenant"];
const appendsFirst = (a: Operation, b: Operation) =>
  Number(b.operationId === "appendEntries") - Number(a.operationId === "appendEntries");

function rightBody({ operationId }: Operation): object | null {
  const make = BODIES[operationId];
  if (!make) unthought.push(operationId);
  return make?.() ?? null;
}

const CANARIES = Object.entries(CANARY);
const foundIn = (texts: string[], canary: string) =>
  texts.filter((text) => spellingsOf(canary).some((spelling) => text.includes(spelling)));

describe("S2-27 S3-36 S4-15 S4-16 S1-7 what is private about a person", () => {
  test("went in: it was taken, and somebody entitled gets it back", () => {
    const revealed = answers.filter(([id]) => id === "revealEntries").map(([, text]) => text);
    for (const name of [
      "identityId",
      "name",
      "email",
      "ip",
      "userAgent",
      "reason",
      "privateMetadata",
      "location",
    ] as const) {
      expect(foundIn(revealed, CANARY[name]).length, name).toBeGreaterThan(0);
    }
    expect(dumps).toHaveLength(3);
    expect(unthought, "give these a body with something private in BODIES, or null").toEqual([]);
    for (const dump of dumps) expect(placesWith(dump, domainId).length).toBeGreaterThan(3);
    expect(errors.length).toBeGreaterThan(100);
    expect(logged.length).toBeGreaterThan(5);
  });

  test.each(CANARIES)("%s: in no table, object, archive or key file, in no spelling", (_, canary) => {
    for (const dump of dumps) expect(placesWith(dump, canary)).toEqual([]);
  });

  test.each(CANARIES)("S1-9 %s: in no log line and no error body", (_, canary) => {
    expect(foundIn(logged, canary)).toEqual([]);
    expect(foundIn(errors, canary)).toEqual([]);
  });

  test.each(CANARIES)("%s: in no answer, but to who asks for it by name", (_, canary) => {
    const others = answers.filter(([id]) => !SHOWS_PEOPLE.includes(id)).map(([, text]) => text);
    expect(foundIn(others, canary)).toEqual([]);
  });

  test("a canary that is stored in clear is found: this search does not fail to see", async () => {
    const { tenantId } = await newTenant(`seen ${CANARY.claimName}`);
    expect(placesWith(await dumpCell(), CANARY.claimName)).toEqual(["D1 CONTROL.tenant"]);
    await askToDelete(tenantId);
    await untilDeleted(tenantId);
    expect(placesWith(await dumpCell(), CANARY.claimName)).toEqual([]);
    for (const before of ["", "x", "xy"]) {
      const text = Buffer.from(`${before}${CANARY.email} and more`).toString("base64");
      expect(placesWith([{ place: "here", text }], CANARY.email)).toEqual(["here"]);
    }
  });
});

/** The columns of KEY_REGISTRY with the database that they stand in. */
const COLUMNS = SLOT_NAMES.flatMap((slot) => KEY_REGISTRY[slot].columns.map((column) => ({ slot, column })));

describe("S2-27 the columns that KEY_REGISTRY declares", () => {
  test.each(COLUMNS.map(({ slot, column }) => [column, slot] as const))(
    "%s holds values of its own slot and nothing else",
    async (column, slot) => {
      const [table, name] = column.split(".") as [string, string];
      const databases = [env.CONTROL, env.LEDGER_00];
      const has = await Promise.all(
        databases.map((db) => db.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").bind(table).first()),
      );
      const sql = `SELECT ${name} AS sealed FROM ${table} WHERE ${name} IS NOT NULL`;
      const database = databases[has.findIndex(Boolean)] as D1Database;
      const rows = (await database.prepare(sql).all<{ sealed: number[] }>()).results;
      if (table !== "tenant_key_service") expect(rows.length).toBeGreaterThan(0);
      for (const { sealed } of rows) expect(parseSealedHeader(new Uint8Array(sealed))?.slot).toBe(slot);
    },
  );

  test("S4-16 a person is named by audit_subject_pii alone, with its four columns", async () => {
    const { results } = await env.LEDGER_00.prepare("SELECT name FROM pragma_table_info('audit_subject_pii')").all<{
      name: string;
    }>();
    expect(results.map(({ name }) => name)).toEqual([
      ...["domain_id", "pseudonym", "first_seq"],
      ...["subject_plaintext", "email_claim", "source_ip", "idp_claim_names"],
    ]);
    expect(jurisdiction).toMatch(/^(eu|us)$/);
  });
});
