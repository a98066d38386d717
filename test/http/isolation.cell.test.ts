/** T1: what belongs to another tenant answers exactly like what does not exist, on every route of the OpenAPI document. */
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { makeId } from "../../src/core/ids.ts";
import { PERMISSION_NAMES, PERMISSIONS, type Permission } from "../../src/services/permissions.ts";
import { ACCESS_BODIES, accessFor } from "../support/access.ts";
import { call, event, jurisdiction, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { eraseCall } from "../support/erasure.ts";
import { EVENT_TYPE_BODIES, ownEventType } from "../support/event-types.ts";
import { EXPORT_BODIES, exportFor } from "../support/exports.ts";
import { HOLD_BODIES, placeHold } from "../support/holds.ts";
import { KEY_BODIES, newServiceAccount } from "../support/keys.ts";
import { idsOfNothing, type Operation, operations, paramsOf, pathWith } from "../support/operations.ts";
import { PEOPLE_BODIES, peopleFor } from "../support/people.ts";
import { problemOf, withoutInstance } from "../support/problems.ts";
import { RETENTION_BODIES } from "../support/retention.ts";
import { FACTOR_BODIES, factorsFor } from "../support/staff.ts";

type Ids = Record<
  | "tenantId"
  | "domainId"
  | "keyId"
  | "holdId"
  | "erasureId"
  | "seqOrId"
  | "serviceAccountId"
  | "accessId"
  | "memberId"
  | "invitationId"
  | "sessionId"
  | "staffId"
  | "passkeyId"
  | "exportId"
  | "linkId"
  | "action",
  string
>;

const other = jurisdiction === "eu" ? "us" : "eu";
const ENTRY_ID = "entry-of-the-other-tenant";
let mine: TestTenant;
let theirs: Ids;
let ours: Ids;

beforeAll(async () => {
  const [a, b] = [await newTenant("A"), await newTenant("B")];
  const idsOf = async (tenant: TestTenant): Promise<Ids> => {
    const domainId = await newDomain(tenant);
    return {
      ...((await peopleFor("withdrawInvitation", tenant)) as { invitationId: string }),
      ...((await peopleFor("endSession", tenant)) as { memberId: string; sessionId: string }),
      ...((await factorsFor("removeStaff", tenant)) as { staffId: string }),
      passkeyId: "AQIDBAUG",
      action: await ownEventType(tenant),
      tenantId: tenant.tenantId,
      domainId,
      ...((await exportFor("readExport", tenant, domainId)) as { exportId: string; linkId: string }),
      keyId: tenant.keyId,
      erasureId: (await logOf(tenant.tenantDomainId).erase(eraseCall("usr_gone"))).erasure.id,
      holdId: (await placeHold(tenant, { domains: [tenant.tenantDomainId] })).id,
      seqOrId: "0",
      serviceAccountId: await newServiceAccount(tenant),
      accessId: (await accessFor("readAccess", tenant.tenantId)).accessId as string,
    };
  };
  [mine, ours, theirs] = [a, await idsOf(a), { ...(await idsOf(b)), seqOrId: ENTRY_ID }];
  const path = `/v1/domains/${theirs.domainId}/audit/entries`;
  expect((await call(path, { key: b.key, body: event({ id: ENTRY_ID }) })).status).toBe(201);
}, 60_000);

const inexistent = (): Ids => ({
  tenantId: makeId("tenant", jurisdiction, uuidv7()),
  domainId: makeId("domain", jurisdiction, uuidv7()),
  keyId: makeId("apiKey", jurisdiction, uuidv7()),
  holdId: makeId("legalHold", jurisdiction, uuidv7()),
  erasureId: uuidv7(),
  seqOrId: "no-such-entry",
  ...idsOfNothing(),
});

function request({ operationId, method, path, hasBody }: Operation, ids: Ids, key: string): Promise<Response> {
  const bodies = {
    ...HOLD_BODIES,
    ...KEY_BODIES,
    ...ACCESS_BODIES,
    ...PEOPLE_BODIES,
    ...FACTOR_BODIES,
    ...EVENT_TYPE_BODIES,
    ...EXPORT_BODIES,
    ...RETENTION_BODIES,
  };
  const body = bodies[operationId]?.() ?? event();
  return call(pathWith(path, ids), { method, key, ...(hasBody ? { body } : {}) });
}

const ABOUT_SOMETHING = operations().filter(({ path }) => paramsOf(path).length > 0);
const CASES = ABOUT_SOMETHING.flatMap((operation) =>
  paramsOf(operation.path).map((param) => [operation.operationId, param as keyof Ids, operation] as const),
);

/** In its own tenant a key is refused what only the operator, or only a person, does, before anything is looked up: for what is there as for what is not. */
const isOperatorsAlone = ({ permission }: Operation) =>
  permission in PERMISSIONS && PERMISSIONS[permission as Permission].from === "operator";

describe("T1 with a key of tenant A", () => {
  test.each(CASES)("%s with the %s of tenant B answers like one that does not exist", async (_, param, operation) => {
    const answer = await withoutInstance(await request(operation, { ...ours, [param]: theirs[param] }, mine.key));
    const nothing = await withoutInstance(
      await request(operation, { ...ours, [param]: inexistent()[param] }, mine.key),
    );
    const code =
      (isOperatorsAlone(operation) || param === "passkeyId") && !["tenantId", "domainId"].includes(param)
        ? "auth.forbidden"
        : "resource.not_found";
    expect(nothing).toMatchObject({ body: { code } });
    expect(answer).toEqual(nothing);
  });

  test.each(CASES.filter(([, param]) => param !== "seqOrId"))(
    "%s with a %s of the other jurisdiction or a malformed one is the same 404",
    async (_, param, operation) => {
      const nothing = await withoutInstance(
        await request(operation, { ...ours, [param]: inexistent()[param] }, mine.key),
      );
      const id = inexistent()[param];
      for (const variant of [id.replace(`_${jurisdiction}_`, `_${other}_`), id.toUpperCase(), `${id}0`, "x", "%00"]) {
        const answer = await request(operation, { ...ours, [param]: variant }, mine.key);
        expect(await withoutInstance(answer), variant).toEqual(nothing);
      }
    },
  );

  test("a key without any permission learns no more: 404 before 403", async () => {
    const { key } = await storedKey(mine.tenantId, []);
    for (const [, param, operation] of CASES.filter(([, param]) => param === "tenantId" || param === "domainId")) {
      await problemOf(await request(operation, { ...ours, [param]: theirs[param] }, key), "resource.not_found");
    }
  });

  test("nothing of tenant B was changed by all this", async () => {
    expect((await logOf(theirs.domainId).head()).size).toBe(2);
  });
});

describe("T1 a list", () => {
  test("of tenants is refused to a tenant, and a tenant's lists hold only its own", async () => {
    await problemOf(await call("/v1/tenants", { key: mine.key }), "auth.forbidden");
    const { key } = await storedKey(mine.tenantId, PERMISSION_NAMES);
    const domains = await (await call(`/v1/tenants/${mine.tenantId}/domains`, { key })).text();
    const keys = await (await call(`/v1/tenants/${mine.tenantId}/keys`, { key })).text();
    expect(domains).toContain(ours.domainId);
    expect(keys).toContain(ours.keyId);
    for (const id of Object.values(theirs)) expect(domains + keys).not.toContain(id);
  });
});
