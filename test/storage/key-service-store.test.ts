/** Key services in D1 control: at most one wraps new keys, and nothing in the row is a credential in clear. */
import { beforeEach, describe, expect, it } from "vitest";
import { cellConfig } from "../../src/services/cell-config.ts";
import { openCredentials, sealCredentials } from "../../src/services/keys/credentials.ts";
import type { KeyServiceRecord } from "../../src/services/ports.ts";
import { D1KeyServiceStore } from "../../src/storage/key-service-store.ts";
import { env, newTenant } from "../support/cell.ts";
import { control, refusal, run } from "./sql.ts";

const AT = "2026-11-21T10:00:00.000Z";
const LATER = "2026-11-21T11:00:00.000Z";
const CANARY = "canary-token-in-the-row";
const store = new D1KeyServiceStore(env.CONTROL);
const { sealer } = cellConfig(env);
const roots = { get: async () => new Uint8Array(32).fill(9) };
let tenantId: string;

beforeEach(async () => {
  ({ tenantId } = await newTenant());
});

async function recordOf(service: number): Promise<KeyServiceRecord> {
  const settings = { kind: "https", url: `https://keys.acme.example/${service}` } as const;
  const its = { service, settings };
  const credentials = await sealCredentials(its, { kind: "https", token: CANARY }, { tenantId, sealer, roots });
  return {
    tenantId,
    service,
    settings,
    credentials,
    createdAt: AT,
    retiredAt: AT,
    state: "working",
    checkedAt: AT,
  };
}

const activeOf = async () =>
  (await store.list(tenantId)).filter(({ retiredAt }) => retiredAt === null).map(({ service }) => service);

describe("S3-41 a tenant's key services", () => {
  it("come back as they were put, in the order of their numbers, and are no other tenant's", async () => {
    const [second, first] = [await recordOf(2), await recordOf(1)];
    await store.put(second);
    await store.put(first);
    await store.put(first);
    expect(await store.list(tenantId)).toEqual([first, second]);
    expect(await store.list((await newTenant()).tenantId)).toEqual([]);
  });

  it("wrap new keys one at a time; the one that was replaced keeps its time", async () => {
    for (const service of [1, 2]) await store.put(await recordOf(service));
    expect(await activeOf()).toEqual([]);
    await store.activate(await recordOf(1), AT);
    await store.activate(await recordOf(2), LATER);
    await store.activate(await recordOf(2), "2026-12-01T00:00:00.000Z");
    expect(await activeOf()).toEqual([2]);
    expect((await store.list(tenantId))[0]?.retiredAt).toBe(LATER);
    await store.deactivate(tenantId, "2026-12-02T00:00:00.000Z");
    await store.deactivate(tenantId, "2026-12-03T00:00:00.000Z");
    expect(await activeOf()).toEqual([]);
    expect((await store.list(tenantId)).map(({ retiredAt }) => retiredAt)).toEqual([LATER, "2026-12-02T00:00:00.000Z"]);
  });

  it("cannot wrap two at a time, whatever the code above does", async () => {
    for (const service of [1, 2]) await store.put(await recordOf(service));
    await store.activate(await recordOf(1), AT);
    const sql = "UPDATE tenant_key_service SET retired_at = NULL WHERE tenant_id = ? AND service = 2";
    expect(await refusal(control, sql, tenantId)).toContain("UNIQUE");
    await expect(store.put({ ...(await recordOf(2)), retiredAt: null })).rejects.toMatchObject({
      code: "storage.unavailable",
      internal: expect.not.stringContaining(CANARY),
    });
  });

  it("are told apart by state and are removed one by one", async () => {
    for (const service of [1, 2]) await store.put(await recordOf(service));
    await store.setState(tenantId, 1, "refused", LATER);
    expect(await store.list(tenantId)).toMatchObject([
      { state: "refused", checkedAt: LATER },
      { state: "working", checkedAt: AT },
    ]);
    await store.remove(tenantId, 1);
    await store.remove(tenantId, 1);
    expect((await store.list(tenantId)).map(({ service }) => service)).toEqual([2]);
  });

  it("are not removed while they wrap new keys, and come back whole when one that was removed is to", async () => {
    await store.put(await recordOf(1));
    await store.remove(tenantId, 1);
    const record = await recordOf(1);
    await store.activate(record, LATER);
    await store.remove(tenantId, 1);
    expect(await store.list(tenantId)).toEqual([{ ...record, retiredAt: null }]);
  });

  it("have credentials that open in their own row only, beside their own settings", async () => {
    const deps = { tenantId, sealer, roots };
    await store.put(await recordOf(1));
    const [row] = (await store.list(tenantId)) as [KeyServiceRecord];
    expect(await openCredentials(row, deps)).toEqual({ kind: "https", token: CANARY });
    const elsewhere: [number, typeof deps][] = [
      [2, deps],
      [1, { ...deps, tenantId: "tnt_eu_other" }],
      [1, { ...deps, roots: { get: async () => new Uint8Array(32).fill(8) } }],
    ];
    for (const [service, its] of elsewhere) {
      await expect(openCredentials({ ...row, service }, its)).rejects.toMatchObject({ code: "storage.unavailable" });
    }
    const settings = { kind: "https", url: "https://keys.thief.example/1" } as const;
    await expect(openCredentials({ ...row, settings }, deps)).rejects.toMatchObject({ code: "storage.unavailable" });
    const { results } = await run(control, "SELECT * FROM tenant_key_service WHERE tenant_id = ?", tenantId);
    expect(JSON.stringify(results)).not.toContain(CANARY);
  });
});
