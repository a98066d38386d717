/** Every route against keys that lack exactly its permission, and that hold nothing else. From the OpenAPI document. */
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { platformTenantId } from "../../src/core/ids.ts";
import { AHEAD, PERMISSION_NAMES, type Permission } from "../../src/services/permissions.ts";
import { ACCESS_BODIES, accessFor, FOR_STAFF_ALONE } from "../support/access.ts";
import {
  append,
  call,
  env,
  event,
  jurisdiction,
  logOf,
  newDomain,
  newTenant,
  type TestTenant,
} from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { eraseCall } from "../support/erasure.ts";
import { EVENT_TYPE_BODIES, EVENT_TYPE_HEADERS, ownEventType } from "../support/event-types.ts";
import { EXPORT_ANSWERS, EXPORT_BODIES, exportFor } from "../support/exports.ts";
import { HOLD_BODIES, placeHold } from "../support/holds.ts";
import { httpsConfig, standInKeyServices } from "../support/key-services.ts";
import { KEY_BODIES, KEY_HEADERS, newServiceAccount } from "../support/keys.ts";
import {
  idsOfNothing,
  type Operation,
  operations,
  pathWith,
  TILES_OF_LARGE_LOGS,
  WITNESSED,
} from "../support/operations.ts";
import {
  formRequest,
  fromSomewhere,
  memberSession,
  PEOPLE_ANSWERS,
  PEOPLE_BODIES,
  PEOPLE_FORMS,
  PEOPLE_NEEDS,
  peopleFor,
} from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { dryRunLater, RETENTION_BODIES, RETENTION_HEADERS } from "../support/retention.ts";
import { FACTOR_ANSWERS, FACTOR_BODIES, FACTOR_FORMS, FACTOR_NEEDS, factorsFor } from "../support/staff.ts";

let tenant: TestTenant;
let domainId: string;
let values: Record<string, string>;

beforeAll(async () => {
  standInKeyServices();
  await call("/witness/add-checkpoint", { rawBody: WITNESSED.body(0, 3) });
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  // The newest entry always stays. While the hold below is in force there is nothing to confirm.
  await append(domainId, event());
  const { token } = await dryRunLater(tenant, domainId, 8 * 366 * 86_400_000);
  const { id: keyId } = await storedKey(tenant.tenantId, []);
  const { id: holdId } = await placeHold(tenant, { people: ["usr_held"] });
  const { id: erasureId } = (await logOf(domainId).erase(eraseCall("usr_gone"))).erasure;
  const someone = await memberSession("viewer", { tenant });
  values = {
    tenantId: tenant.tenantId,
    domainId,
    logId: domainId,
    keyId,
    holdId,
    erasureId,
    seqOrId: "0",
    serviceAccountId: await newServiceAccount(tenant),
    memberId: someone.memberId,
    sessionId: someone.sessionId,
    ...(await peopleFor("withdrawInvitation", tenant)),
    passkeyId: "AQIDBAUG",
    ...(({ exportId, linkId }) => ({ exportId, linkId }))(idsOfNothing()),
    action: await ownEventType(tenant),
    dryRunToken: token ?? "",
    ...(await factorsFor("removeStaff", tenant)),
  };
});

/** A right body for each operation that takes one; a new one must be added here. */
const BODIES: Record<string, () => object> = {
  createTenant: () => ({ name: "T", jurisdiction, tier: "free" }),
  updateTenant: () => ({ name: "T" }),
  changeTier: () => ({ tier: "enterprise" }),
  createDomain: () => ({ name: uuidv7() }),
  deleteTenant: () => ({ confirm: tenant.tenantId }),
  createKey: () => ({ name: "k", permissions: ["api_key.create"] }),
  appendEntries: () => event(),
  searchEntries: () => ({ identity_id: "usr_42" }),
  queryEntries: () => ({ q: "actor:usr_42" }),
  countEntries: () => ({ q: "actor:usr_42" }),
  facetEntries: () => ({ q: "actor:usr_42" }),
  queryTenantEntries: () => ({ q: "actor:usr_42" }),
  revealEntries: () => ({ reason: "a test", seqs: [0] }),
  makeEvidenceSet: () => ({ selection: [0] }),
  setKeyService: () => httpsConfig(),
  ...EXPORT_BODIES,
  exportEntries: () => ({ domain_id: values.domainId }),
  ...HOLD_BODIES,
  ...KEY_BODIES,
  ...RETENTION_BODIES,
  confirmDomainRetention: () => ({ token: values.dryRunToken }),
  ...EVENT_TYPE_BODIES,
  ...ACCESS_BODIES,
  ...PEOPLE_BODIES,
  ...FACTOR_BODIES,
  eraseIdentity: () => ({ identity_id: `usr_${uuidv7()}` }),
  eraseIdentityEverywhere: () => ({ identity_id: `usr_${uuidv7()}` }),
  replayErasures: () => ({}),
  startRestore: () => ({}),
  rotateSlot: () => ({ slot: "private_values" }),
  retireSlotVersions: () => ({ slot: "private_values" }),
};

/** Likewise those that are no JSON. */
const RAW_BODIES: Record<string, () => string> = {
  addCheckpoint: () => WITNESSED.body(3, 3),
  addProbeReport: () => "{}",
};

/** What is sent with the query and the type that its route asks for. */
const SENT_WITH: Record<string, () => Parameters<typeof call>[1] & { query: string }> = {
  putArchiveObject: () => ({
    query: `?key=audit/${domainId}/${"0".repeat(20)}.json.zst`,
    rawBody: "no segment",
    headers: { "Content-Type": "application/octet-stream" },
  }),
  createImport: () => ({ query: "?key=k&bytes=2", rawBody: "PK", headers: { "Content-Type": "application/zip" } }),
};

async function request(operation: Operation, key?: string): Promise<Response> {
  const make = BODIES[operation.operationId];
  const raw = RAW_BODIES[operation.operationId]?.();
  if (raw !== undefined) return call(operation.path, { method: "POST", rawBody: raw, ...(key ? { key } : {}) });
  const form = PEOPLE_FORMS[operation.operationId] ?? FACTOR_FORMS[operation.operationId];
  if (form) return call(pathWith(operation.path, values), { method: "POST", ...formRequest(form) });
  if (operation.hasBody && !make && !(operation.operationId in SENT_WITH))
    throw new Error(`no body for ${operation.operationId}`);
  const { method } = operation;
  const sent = SENT_WITH[operation.operationId]?.();
  // A log is moved into a domain of its own: it keeps that domain's clients waiting.
  if (sent) {
    const path = pathWith(operation.path, { ...values, domainId: await newDomain(tenant) });
    return call(path + sent.query, { method, ...sent, ...(key ? { key } : {}) });
  }
  const body = make?.();
  const headers = {
    ...fromSomewhere(),
    ...KEY_HEADERS[operation.operationId],
    ...EVENT_TYPE_HEADERS[operation.operationId],
    ...RETENTION_HEADERS[operation.operationId],
  };
  const access = await accessFor(operation.operationId, tenant.tenantId);
  const own = { ...values, ...access, ...(await peopleFor(operation.operationId, tenant)) };
  Object.assign(own, await factorsFor(operation.operationId, tenant));
  Object.assign(own, await exportFor(operation.operationId, tenant, values.domainId as string));
  return call(pathWith(operation.path, own), {
    method,
    headers,
    ...(key ? { key } : {}),
    ...(body ? { body } : {}),
  });
}

const guarded = operations().filter(({ permission }) => permission !== "public" && permission !== "any_credential");

describe("every route asks for its permission", () => {
  test("there are routes to ask", () => {
    const declared = new Set(guarded.map(({ permission }) => permission));
    expect(declared).toEqual(new Set(PERMISSION_NAMES.filter((name) => !AHEAD.includes(name))));
  });

  test.each(guarded.map((operation) => [operation.operationId, operation] as const))(
    "%s: a key that lacks only this permission gets a 403 naming it",
    async (_, operation) => {
      const others = PERMISSION_NAMES.filter((name) => name !== operation.permission);
      const { key } = await storedKey(tenant.tenantId, others);
      const problem = await problemOf(await request(operation, key), "auth.forbidden");
      expect(problem.detail).toBe(`this needs the permission ${operation.permission}`);
    },
  );

  // test/http/tenant-deletion.cell.test.ts lets those of a deletion through: they end the tenant.
  const reversible = guarded.filter(({ permission }) => permission !== "tenant.delete");
  test.each(reversible.map((operation) => [operation.operationId, operation] as const))(
    "%s: a key that holds only this permission is let through",
    async (_, operation) => {
      const { key } = await storedKey(tenant.tenantId, [
        operation.permission as Permission,
        ...(PEOPLE_NEEDS[operation.operationId] ?? FACTOR_NEEDS[operation.operationId] ?? []),
      ]);
      const answer = await request(operation, key);
      if (FOR_STAFF_ALONE.includes(operation.operationId)) {
        const { detail } = await problemOf(answer, "auth.forbidden");
        return expect(detail).toContain("only one of the operator's people");
      }
      const right = TILES_OF_LARGE_LOGS.includes(operation.operationId) ? [404] : [200, 201, 202, 204];
      expect(right, await answer.clone().text()).toContain(answer.status);
    },
  );

  test.each(operations().map((operation) => [operation.operationId, operation] as const))(
    "%s: without a credential 401, unless it is public",
    async (_, operation) => {
      const answer = await request(operation);
      if (operation.permission === "public")
        expect(answer.status).toBe(
          // A probe has a credential of its own kind.
          { ...PEOPLE_ANSWERS, ...FACTOR_ANSWERS, ...EXPORT_ANSWERS, addProbeReport: 401 }[operation.operationId] ??
            200,
        );
      else await problemOf(answer, "auth.required");
    },
  );
});

describe("nobody grants more than they hold", () => {
  const grant = (by: string, permissions: Permission[], tenantId = tenant.tenantId) =>
    call(`/v1/tenants/${tenantId}/keys`, { key: by, body: { name: "child", permissions } });

  test.each(PERMISSION_NAMES.filter((name) => name !== "api_key.create"))(
    "a key without %s cannot make one that has it",
    async (permission) => {
      const { key } = await storedKey(
        tenant.tenantId,
        PERMISSION_NAMES.filter((name) => name !== permission),
      );
      const problem = await problemOf(await grant(key, ["api_key.create", permission]), "auth.forbidden");
      expect(problem.detail).toContain(permission);
    },
  );

  test("a key can grant what it holds, and the new key holds no more", async () => {
    const { key } = await storedKey(tenant.tenantId, ["api_key.create", "entry.read"]);
    const { key: child } = (await (await grant(key, ["entry.read"])).json()) as { key: string };
    expect(await (await call("/v1/whoami", { key: child })).json()).toMatchObject({ permissions: ["entry.read"] });
  });

  test.each(PERMISSION_NAMES)("S3-35 the operator can hand nobody a key with %s in a tenant", async (permission) => {
    const problem = await problemOf(await grant(env.OPERATOR_SECRET, [permission]), "auth.forbidden");
    expect(problem.detail).toBe("this needs the permission api_key.create");
  });

  test("the operator can make keys of the platform's tenant, which is the operator's own", async () => {
    const answer = await grant(env.OPERATOR_SECRET, ["tenant.list"], platformTenantId(jurisdiction));
    expect(answer.status).toBe(201);
  });

  test.each<[string, object, string]>([
    ["an unknown permission", { name: "k", permissions: ["entry.delete"] }, "/permissions/0"],
    ["no permission", { name: "k", permissions: [] }, "/permissions"],
    [
      "an expiry in the past",
      { name: "k", permissions: ["entry.read"], expires_at: "2020-01-01T00:00:00Z" },
      "/expires_at",
    ],
    ["a secret of the caller's own", { name: "k", permissions: ["entry.read"], key: "mine" }, "/key"],
    ["another tenant", { name: "k", permissions: ["entry.read"], tenant_id: "tnt_eu_x" }, "/tenant_id"],
    ["an e-mail address as name", { name: "jo@example.org", permissions: ["entry.read"] }, "/name"],
  ])("T6 a key with %s is refused, naming the field", async (_, body, pointer) => {
    const path = `/v1/tenants/${tenant.tenantId}/keys`;
    const problem = await problemOf(await call(path, { key: tenant.key, body }), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });
});

describe("S3-35 the operator of a cell", () => {
  test.each([
    "listEntries",
    "readEntry",
    "searchEntries",
    "queryEntries",
    "revealEntries",
    "verifyLog",
    "appendEntries",
  ])("cannot use %s on a tenant's log", async (operationId) => {
    const operation = guarded.find((candidate) => candidate.operationId === operationId) as Operation;
    await problemOf(await request(operation, env.OPERATOR_SECRET), "auth.forbidden");
  });
});
