/** Revocation, expiry (the times: test/services/tenancy/keys.test.ts), and what the key routes answer. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { call, newTenant, type TestTenant } from "../support/cell.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

interface Key {
  id: string;
  key?: string;
  revoked_at: string | null;
}

const keysPath = () => `/v1/tenants/${tenant.tenantId}/keys`;
const makeKey = async (fields: object = {}) => {
  const body = { name: "ingest", permissions: ["entry.append"], ...fields };
  return (await (await call(keysPath(), { key: tenant.key, body })).json()) as Key & { key: string };
};
const revoke = (id: string) => call(`${keysPath()}/${id}`, { key: tenant.key, method: "DELETE" });
const listed = async () => {
  return ((await (await call(keysPath(), { key: tenant.key })).json()) as { keys: Key[] }).keys;
};

describe("a revoked key", () => {
  test("T4 S2-15 is refused at once by an isolate that has not seen it", async () => {
    const { id, key } = await makeKey();
    expect((await freshWorker()("/v1/whoami", bearer(key))).status).toBe(200);
    expect((await revoke(id)).status).toBe(200);
    expect((await freshWorker()("/v1/whoami", bearer(key))).status).toBe(401);
  });

  test("is revoked for good: a second revocation answers the first, and its time stays", async () => {
    const { id } = await makeKey();
    const first = (await (await revoke(id)).json()) as Key;
    expect(first.revoked_at).not.toBeNull();
    expect(await (await revoke(id)).json()).toEqual(first);
    expect((await listed()).find((key) => key.id === id)).toMatchObject(first);
  });

  test("the bound on a warm isolate is the product's promise of 60 s at most", () => {
    expect(LIMITS.keyCacheMs).toBeLessThanOrEqual(60_000);
  });
});

describe("an expiry", () => {
  test("in the future lets the key work, is kept in UTC and shown", async () => {
    const { id, key } = await makeKey({ expires_at: "2099-01-01T02:00:00+02:00" });
    expect((await call("/v1/whoami", { key })).status).toBe(200);
    expect((await listed()).find((listedKey) => listedKey.id === id)).toMatchObject({
      expires_at: "2099-01-01T00:00:00.000Z",
    });
  });
});

describe("a list of keys", () => {
  test("S2-15 shows ids, names, permissions and times, and nothing else", async () => {
    await makeKey();
    for (const key of await listed()) {
      expect(Object.keys(key).sort()).toEqual(
        [
          ...["allowed_networks", "created_at", "description", "expires_at", "id", "last_used_at", "name"],
          ...["permissions", "replaces", "revoked_at", "service_account_id", "tenant_id"],
        ].sort(),
      );
    }
  });
});
