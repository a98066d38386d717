/** S1-21 what answers people who ask for their own needs what a SuperAdmin holds, and each time writes a row of its own. */
import { beforeAll, describe, expect, test } from "vitest";
import { permissionsOf, SUPER_ADMIN_PERMISSIONS } from "../../src/services/permissions.ts";
import { call, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
let superAdmin: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  superAdmin = (await storedKey(tenant.tenantId, SUPER_ADMIN_PERMISSIONS)).key;
});

/** The endpoints, each with the action of the row that it writes and the log that the row is in. */
const ENDPOINTS = [
  [
    "erasing from one log",
    () => `/v1/domains/${domainId}/audit/erase-identity`,
    "audit.identity_erased",
    () => domainId,
  ],
  [
    "erasing from all logs",
    () => `/v1/tenants/${tenant.tenantId}/audit/erase-identity`,
    "audit.identity_erased",
    () => domainId,
  ],
] as const;

let people = 0;
const someone = async () => {
  const id = `usr_${people++}`;
  const body = event({ actor: { type: "user", id } });
  expect((await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body })).status).toBe(201);
  return { identity_id: id };
};
const rows = async (domain: string, action: string) =>
  (await entriesOf(domain)).filter((entry) => entry.action === action).length;

describe.each(ENDPOINTS)("S1-21 %s", (_, path, action, log) => {
  test("is a 403 to an admin, as a person and as a key, and nothing is erased", async () => {
    const body = await someone();
    const before = await rows(log(), action);
    const { token } = await memberSession("admin", { tenant });
    const { key } = await storedKey(tenant.tenantId, permissionsOf("admin"));
    for (const credential of [token, key]) {
      const problem = await problemOf(await call(path(), { key: credential, body }), "auth.forbidden");
      expect(problem.detail).toBe("this needs the permission subject.erase");
    }
    expect(await rows(log(), action)).toBe(before);
  });

  test("is done with what a SuperAdmin holds and nothing else, and each time writes a row", async () => {
    const before = await rows(log(), action);
    for (const nth of [1, 2]) {
      expect([200, 201, 202]).toContain((await call(path(), { key: superAdmin, body: await someone() })).status);
      expect(await rows(log(), action)).toBe(before + nth);
    }
  });

  test("is asked of an owner with a second factor again, once the last one is fifteen minutes old", async () => {
    const body = await someone();
    const { token } = await memberSession("owner", { tenant, secondFactorAtMs: Date.now() - 15 * 60_000 - 1 });
    const problem = await problemOf(await call(path(), { key: token, body }), "auth.step_up_required");
    expect(problem.continue).toMatch(/^POST \/v1\/auth\//);
    const fresh = await memberSession("owner", { tenant });
    expect([200, 201, 202]).toContain((await call(path(), { key: fresh.token, body })).status);
  });
});

test("S1-21 opening what is private needs it too, and is a row each time", async () => {
  const path = `/v1/domains/${domainId}/audit/entries/reveal`;
  const body = { seqs: [1], reason: "Request 17 of a data subject" };
  const { key } = await storedKey(tenant.tenantId, permissionsOf("financial_admin"));
  await problemOf(await call(path, { key, body }), "auth.forbidden");
  const before = (await entriesOf(domainId)).length;
  for (const nth of [1, 2]) {
    expect((await call(path, { key: superAdmin, body })).status).toBe(200);
    expect((await entriesOf(domainId)).length).toBe(before + nth);
  }
});
