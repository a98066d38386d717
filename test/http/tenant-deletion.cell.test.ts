/** Asking for a tenant's deletion: who may, what answers while it runs and afterwards, and what forbids it. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { makeId, platformDomainId, platformTenantId } from "../../src/core/ids.ts";
import { call, env, event, inLog, jurisdiction, newTenant } from "../support/cell.ts";
import { askToDelete, type FullTenant, fullTenant, phaseOf, readDeletion, untilDeleted } from "../support/deletion.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import { idsOfNothing, operations, pathWith } from "../support/operations.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf, runDeskAlarm } from "../support/tenancy.ts";

const operator = env.OPERATOR_SECRET;
const platform = platformDomainId(jurisdiction);
const D1_HOLD = "INSERT INTO ledger_hold (hold_id, domain_id, from_seq, to_seq) VALUES ('h', ?, 2, 2)";
/** Parameters of routes about other things. */
const OTHER_PARAMS: Record<string, string> = {
  ...idsOfNothing(),
  holdId: `hld_${jurisdiction}_01jcy3x8e7f4s9m2k5n8q1r4tv`,
  erasureId: "01a1fdfb-3c03-7575-83c4-dd445bba977e",
};

describe("a request to delete a tenant", () => {
  test.each<[string, (id: string) => object, string]>([
    ["without the id again", () => ({}), "/confirm"],
    ["with another id", () => ({ confirm: platformTenantId(jurisdiction) }), "/confirm"],
    [
      "with a name as reference",
      (confirm) => ({ confirm, request_reference: "for jo@example.org" }),
      "/request_reference",
    ],
    ["with anything else", (confirm) => ({ confirm, force: true }), "/force"],
  ])("%s is refused, naming the field, and nothing happens", async (_, body, pointer) => {
    const { tenantId, key } = await newTenant();
    const problem = await problemOf(await askToDelete(tenantId, body(tenantId)), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
    await problemOf(await readDeletion(tenantId), "resource.not_found");
    expect((await call(`/v1/tenants/${tenantId}`, { key })).status).toBe(200);
  });

  test("is not for the tenant's own keys, and nobody can give them the permission", async () => {
    const { tenantId, key } = await newTenant();
    const body = { confirm: tenantId };
    await problemOf(await call(`/v1/tenants/${tenantId}/deletion`, { key, body }), "auth.forbidden");
    const grant = { name: "k", permissions: ["tenant.delete"] };
    await problemOf(await call(`/v1/tenants/${tenantId}/keys`, { key: operator, body: grant }), "auth.forbidden");
  });

  test("for the platform's own tenant, and for one that does not exist, is the same 404", async () => {
    const nobody = `tnt_${jurisdiction}_01jcy3x8e7f4s9m2k5n8q1r4tv`;
    for (const id of [platformTenantId(jurisdiction), nobody]) {
      await problemOf(await askToDelete(id), "resource.not_found");
    }
  });
});

describe("while a tenant is being deleted", () => {
  let tenant: FullTenant;
  beforeAll(async () => {
    tenant = await fullTenant();
    // A hold that only D1 knows of keeps the deletion from going past its rows.
    await env.LEDGER_00.prepare(D1_HOLD).bind(tenant.domainIds[1]).run();
    const answer = await askToDelete(tenant.tenantId);
    expect(answer.status).toBe(202);
    expect(answer.headers.get("Location")).toBe(`/v1/tenant-deletions/${tenant.tenantId}`);
    expect(await answer.json()).toMatchObject({ tenant_id: tenant.tenantId, status: "deleting", overdue: false });
  });

  const about = operations().filter(
    ({ path, permission }) =>
      /\{(tenantId|domainId)\}/.test(path) && permission !== "tenant.delete" && permission !== "public",
  );
  const valuesOf = () => ({
    tenantId: tenant.tenantId,
    domainId: tenant.domainIds[1] as string,
    keyId: tenant.keyId,
    seqOrId: "0",
    ...OTHER_PARAMS,
  });

  test.each(about.map((operation) => [operation.operationId, operation] as const))(
    "%s with a key of the tenant is 401 in a Worker that has not seen the key in the last 30 s",
    async (_, { method, path, hasBody }) => {
      const worker = freshWorker();
      const init = { method, ...bearer(tenant.key), ...(hasBody ? { body: "{}" } : {}) };
      expect((await worker(pathWith(path, valuesOf()), init)).status).toBe(401);
    },
  );

  test("a key of it that was found is reported like any other", async () => {
    const answer = await call("/v1/leaks", { body: { key: tenant.key } });
    expect([answer.status, await answer.json()]).toEqual([200, { received: true }]);
  });

  test("an append with a key from memory is refused at once", async () => {
    const path = `/v1/domains/${tenant.domainIds[1]}/audit/entries`;
    const answer = await call(path, { key: tenant.key, body: event() });
    expect([401, 404, 409]).toContain(answer.status);
  });

  test("no route about it answers the operator with anything of the tenant", async () => {
    for (const { method, path, hasBody } of about) {
      const body = hasBody ? { body: event() } : {};
      const answer = await call(pathWith(path, valuesOf()), { method, key: operator, ...body });
      expect([403, 404, 409], `${method} ${path}`).toContain(answer.status);
      expect(await answer.text()).not.toContain("Acme");
    }
  });

  test("asking again is the same deletion; afterwards every route is the 404 of what never was, and the certificate stays", async () => {
    const again = await askToDelete(tenant.tenantId, { confirm: tenant.tenantId, request_reference: "another" });
    expect(again.status).toBe(202);
    await env.LEDGER_00.prepare("DELETE FROM ledger_hold WHERE domain_id = ?").bind(tenant.domainIds[1]).run();
    await untilDeleted(tenant.tenantId);
    await problemOf(await call(`/v1/tenants/${tenant.tenantId}`, { key: operator }), "resource.not_found");
    const late = await askToDelete(tenant.tenantId);
    expect(late.status).toBe(202);
    expect(await late.json()).toMatchObject({ status: "deleted", phase: null, certificate: { heads: { length: 3 } } });
    expect(await phaseOf(tenant.tenantId)).toBeNull();
    const told = (await entriesOf(platform)).filter(({ targets }) => targets?.[0]?.id === tenant.tenantId);
    expect(told.map(({ action }) => action)).toEqual(["tenant.created", "tenant.deletion_requested", "tenant.deleted"]);
  });
});

describe("a legal hold anywhere in the tenant", () => {
  test("refuses the deletion with its reference, records that, and everything goes on as before", async () => {
    const tenant = await fullTenant();
    const held = tenant.domainIds[2] as string;
    const holdId = OTHER_PARAMS.holdId as string;
    const placement = {
      holdId,
      reviewAt: "2030-01-01T00:00:00.000Z",
      whole: true,
      ranges: [],
      people: [],
      query: null,
    };
    await inLog(held, (log) => void log.holds.place(placement, Date.now()));
    const problem = await problemOf(await askToDelete(tenant.tenantId), "tenant.held");
    expect(problem.detail).toContain(holdId);
    await problemOf(await readDeletion(tenant.tenantId), "resource.not_found");
    for (const domainId of tenant.domainIds.slice(1)) {
      const path = `/v1/domains/${domainId}/audit/entries`;
      expect((await call(path, { key: tenant.key, body: event({ reason: "r" }) })).status).toBe(201);
    }
    const told = (await entriesOf(platform)).filter(({ targets }) => targets?.[0]?.id === tenant.tenantId);
    expect(told.map(({ action }) => action)).toEqual(["tenant.created", "tenant.deletion_refused"]);
    expect(told[1]?.metadata).toMatchObject({ holds: [holdId] });

    await inLog(held, (log) => log.holds.release(holdId, Date.now()));
    expect((await askToDelete(tenant.tenantId)).status).toBe(202);
    await untilDeleted(tenant.tenantId);
  });

  test("that was asked for and has not reached its domain yet forbids the deletion too", async () => {
    const tenant = await newTenant();
    const change = { change: 1, kind: "placed", at: "2026-11-21T09:00:00.000Z", by: { type: "service", id: "k" } };
    await runInDurableObject(env.TENANT_DESK.getByName(tenant.tenantId), (_, { storage }) => {
      const scope = { allDomains: false, domains: [tenant.tenantDomainId], ranges: [], people: 0 };
      const values = [OTHER_PARAMS.holdId, JSON.stringify(scope), JSON.stringify([change])];
      storage.sql.exec("INSERT INTO legal_hold (id, scope, changes, told) VALUES (?, ?, ?, 0)", ...values);
    });
    const problem = await problemOf(await askToDelete(tenant.tenantId), "tenant.held");
    expect(problem.detail).toContain(OTHER_PARAMS.holdId);
  });

  test("that only D1 knows of still keeps every row: the deletion does not go past it", async () => {
    const tenant = await fullTenant();
    const domainId = tenant.domainIds[1] as string;
    await env.LEDGER_00.prepare(D1_HOLD).bind(domainId).run();
    expect((await askToDelete(tenant.tenantId)).status).toBe(202);
    for (let i = 0; i < 4; i++) await runDeskAlarm(tenant.tenantId);
    expect(await phaseOf(tenant.tenantId)).toBe("deleting_rows");
    const rows = "SELECT count(*) AS rows FROM audit_log WHERE domain_id = ? AND seq BETWEEN 0 AND 6";
    expect(await env.LEDGER_00.prepare(rows).bind(domainId).first()).toEqual({ rows: 7 });
    await env.LEDGER_00.prepare("DELETE FROM ledger_hold WHERE domain_id = ?").bind(domainId).run();
    await untilDeleted(tenant.tenantId);
  });
});
