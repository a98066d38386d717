/** What holds for a tenant's keys and accounts over years, and while several changes are under way at once. */
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { tierLimits } from "../../src/services/tiers.ts";
import { call, env, newTenant, type TestTenant } from "../support/cell.ts";
import { newServiceAccount } from "../support/keys.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import {
  deskOf,
  entriesAbout,
  evictDesk,
  FORMS,
  failFrom,
  holdNextWrite,
  openJobs,
  runDeskAlarm,
} from "../support/tenancy.ts";

const BY = { type: "service", id: "key_test" } as const;

interface Key {
  id: string;
  created_at: string;
  expires_at: string | null;
}

const path = ({ tenantId }: TestTenant, rest: string) => `/v1/tenants/${tenantId}${rest}`;
const makeKey = (tenant: TestTenant, fields: object = {}) =>
  call(path(tenant, "/keys"), { key: tenant.key, body: { name: "k", permissions: ["entry.append"], ...fields } });
const rotate = async (tenant: TestTenant, id: string, overlap_seconds: number) => {
  const answer = await call(path(tenant, `/keys/${id}/rotate`), { key: tenant.key, body: { overlap_seconds } });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return ((await answer.json()) as { api_key: Key }).api_key;
};
const keysOf = async (tenant: TestTenant) =>
  ((await (await call(path(tenant, "/keys"), { key: tenant.key })).json()) as { keys: Key[] }).keys;

/** Rows of keys that were revoked long ago, the nth one `n` seconds after the first. */
async function addRevokedKeys({ tenantId }: TestTenant, count: number): Promise<void> {
  await env.CONTROL.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO api_key (id, tenant_id, name, permissions, secret_mac, created_at, revoked_at)
     SELECT 'key_old_' || substr(?2, -8) || printf('%05d', i), ?2, 'old', '[]', zeroblob(32), '2020-01-01T00:00:00.000Z',
       strftime('%Y-%m-%dT%H:%M:%fZ', '2020-02-01', '+' || i || ' seconds') FROM n`,
  )
    .bind(count, tenantId)
    .run();
}

describe("S2-15 keys that have ended", () => {
  test("take up no room, and of them the newest stay to be read", async () => {
    const tenant = await newTenant();
    await addRevokedKeys(tenant, LIMITS.keysPerTenant);
    const made = await makeKey(tenant);
    expect(made.status, await made.clone().text()).toBe(201);
    const { id } = (await made.json()) as Key;
    const ids = (await keysOf(tenant)).map((key) => key.id);
    expect(ids).toEqual(expect.arrayContaining([id, tenant.keyId]));
    const old = ids.filter((its) => its.startsWith("key_old_"));
    expect(old).toHaveLength(LIMITS.endedKeysKept);
    expect(old.at(-1)).toMatch(new RegExp(`${LIMITS.keysPerTenant}$`));
    expect(await rotate(tenant, id, 60)).toMatchObject({ replaces: id });
  });

  test.each(FORMS)("T2 rows that go, %s: no key is made, and the next time it is", async (form) => {
    const tenant = await newTenant();
    await addRevokedKeys(tenant, LIMITS.endedKeysKept + 1);
    await failFrom(tenant.tenantId, 0, form);
    await problemOf(await makeKey(tenant), "storage.unavailable");
    expect(await openJobs(tenant.tenantId)).toBe(0);
    await evictDesk(tenant.tenantId);
    expect((await makeKey(tenant)).status).toBe(201);
    expect((await keysOf(tenant)).filter(({ id }) => id.startsWith("key_old_"))).toHaveLength(LIMITS.endedKeysKept);
  });

  test("that were just revoked are the last to go", async () => {
    const tenant = await newTenant();
    await addRevokedKeys(tenant, LIMITS.endedKeysKept);
    const { id } = (await (await makeKey(tenant)).json()) as Key;
    await call(path(tenant, `/keys/${id}`), { method: "DELETE", key: tenant.key });
    await makeKey(tenant);
    expect((await keysOf(tenant)).map((key) => key.id)).toContain(id);
    expect(await entriesAbout(tenant.tenantDomainId, [id])).toEqual([`api_key.created ${id}`, `api_key.revoked ${id}`]);
  });
});

test("service accounts that were removed take up no room; the newest stay, and those of keys that are listed", async () => {
  const tenant = await newTenant();
  const removed = LIMITS.serviceAccountsPerTenant + 5;
  await env.CONTROL.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO service_account (id, tenant_id, name, created_at, removed_at)
     SELECT 'svc_old_' || substr(?2, -8) || printf('%05d', i), ?2, 'old', '2020-01-01T00:00:00.000Z',
       strftime('%Y-%m-%dT%H:%M:%fZ', '2020-02-01', '+' || i || ' seconds') FROM n`,
  )
    .bind(removed, tenant.tenantId)
    .run();
  const nth = (i: number) => `svc_old_${tenant.tenantId.slice(-8)}${String(i).padStart(5, "0")}`;
  await env.CONTROL.prepare(
    `INSERT INTO api_key (id, tenant_id, name, permissions, secret_mac, created_at, revoked_at, service_account_id)
     VALUES (?1, ?2, 'its', '[]', zeroblob(32), '2020-01-01T00:00:00.000Z', '2020-02-01T00:00:00.000Z', ?3)`,
  )
    .bind(`key_its_${tenant.tenantId.slice(-8)}`, tenant.tenantId, nth(1))
    .run();
  const made = await newServiceAccount(tenant);
  const answer = await call(path(tenant, "/service-accounts"), { key: tenant.key });
  const ids = ((await answer.json()) as { service_accounts: { id: string }[] }).service_accounts.map(({ id }) => id);
  const kept = Array.from({ length: LIMITS.removedAccountsKept }, (_, i) => nth(removed - i)).reverse();
  expect(ids).toEqual(expect.arrayContaining([made, nth(1), ...kept]));
  expect(ids).toHaveLength(kept.length + 2);
});

describe("the end of a key", () => {
  test("of a key that is rotated twice: both that replace it live as long as it was to", async () => {
    const tenant = await newTenant();
    const { id } = (await (await makeKey(tenant)).json()) as Key;
    await rotate(tenant, id, 60);
    expect((await rotate(tenant, id, 60)).expires_at).toBeNull();
    const dayMs = 86_400_000;
    const expires_at = new Date(Date.now() + dayMs).toISOString();
    const ending = (await (await makeKey(tenant, { expires_at })).json()) as Key;
    await rotate(tenant, ending.id, 60);
    const second = await rotate(tenant, ending.id, 60);
    expect(Date.parse(second.expires_at as string) - Date.parse(second.created_at)).toBeGreaterThan(dayMs - 60_000);
  });

  test("lies in a year of four digits, so that ends compare as they are spelled", async () => {
    const tenant = await newTenant();
    const refused = await problemOf(
      await makeKey(tenant, { expires_at: "9999-12-31T23:59:59-05:00" }),
      "request.invalid",
    );
    expect(pointersOf(refused)).toEqual(["/expires_at"]);
    const { id } = (await (await makeKey(tenant, { expires_at: "9999-12-31T23:59:59.999Z" })).json()) as Key;
    expect((await rotate(tenant, id, 0)).expires_at).toBe("9999-12-31T23:59:59.999Z");
  });
});

test("T2 a change of an account that a crash left is never run after a newer one", async () => {
  const tenant = await newTenant();
  const account = await newServiceAccount(tenant);
  const desk = deskOf(tenant.tenantId);
  await failFrom(tenant.tenantId, 0, "failed and not persisted");
  await expect(desk.describeServiceAccount(account, { name: "older" }, BY)).rejects.toMatchObject({
    code: "storage.unavailable",
  });
  await evictDesk(tenant.tenantId);
  const gate = await holdNextWrite(tenant.tenantId, "describeServiceAccount");
  const alarm = runDeskAlarm(tenant.tenantId);
  await vi.waitFor(() => expect(gate.isHeld()).toBe(true));
  const newer = desk.describeServiceAccount(account, { name: "newer" }, BY);
  await Promise.race([newer, new Promise((resolve) => setTimeout(resolve, 500))]);
  gate.letGo();
  await Promise.all([alarm, newer]);
  const row = await env.CONTROL.prepare("SELECT name FROM service_account WHERE id = ?").bind(account).first();
  expect(row).toEqual({ name: "newer" });
});

test("S0-21 an invitation that meets a change to a smaller tier is counted, or refused", async () => {
  const tenant = await newTenant();
  const { members } = tierLimits("free");
  const body = () => ({ email: `p${uuidv7()}@example.org`, name: "Ada", role: "viewer" });
  const invite = () => call(path(tenant, "/invitations"), { key: tenant.key, body: body() });
  for (let i = 0; i < members; i++) expect((await invite()).status).toBe(201);
  const gate = await holdNextWrite(tenant.tenantId, "changeTenant");
  const change = deskOf(tenant.tenantId).changeTier("free", BY);
  await vi.waitFor(() => expect(gate.isHeld()).toBe(true));
  const invited = invite();
  await Promise.race([invited, new Promise((resolve) => setTimeout(resolve, 2000))]);
  gate.letGo();
  await change;
  await problemOf(await invited, "tier.required");
  expect((await deskOf(tenant.tenantId).counted()).members).toBe(members);
});
