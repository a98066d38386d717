import { describe, expect, it } from "vitest";
import type { TenantKeyRecord } from "../../src/services/ports.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { env } from "../support/cell.ts";
import { newId } from "./sql.ts";
import { brokenBucket } from "./support/broken-bucket.ts";

const store = new R2TenantKeyStore(env.KEYS);
const raw = (version: number, fill = version): TenantKeyRecord => ({
  version,
  createdAt: "2026-11-21T09:14:00.000Z",
  retiredAt: null,
  material: { kind: "raw", key: new Uint8Array(32).fill(fill) },
});
const wrapped = (version: number, text = 'opaque: ö " {'): TenantKeyRecord => ({
  ...raw(version),
  material: { kind: "wrapped", wrapped: text },
});
const LATER = "2026-11-22T00:00:00.000Z";
const keysOf = async (tenantId: string) =>
  (await env.KEYS.list({ prefix: `tenant-key/${tenantId}` })).objects.map(({ key }) => key);

describe("tenant keys", () => {
  it("a tenant has none until one is made; then each version as it was made, raw or wrapped, ascending", async () => {
    const tenantId = newId("tenant");
    expect(await store.list(tenantId)).toEqual([]);
    for (const record of [raw(10), wrapped(2), raw(1), raw(65_535)]) {
      expect(await store.create(tenantId, record)).toBe(true);
    }
    expect(await store.list(tenantId)).toEqual([raw(1), wrapped(2), raw(10), raw(65_535)]);
    expect(await store.list(newId("tenant"))).toEqual([]);
  });

  it("lie under tenant-key/<tenant id>/<version> in the bucket of keys and in no other", async () => {
    const tenantId = newId("tenant");
    await store.create(tenantId, raw(7));
    expect(await keysOf(tenantId)).toEqual([`tenant-key/${tenantId}/00007`]);
    expect((await env.LOG.list()).objects.filter(({ key }) => key.includes(tenantId))).toEqual([]);
  });

  it("a version is never replaced", async () => {
    const tenantId = newId("tenant");
    await store.create(tenantId, raw(1, 5));
    expect(await store.create(tenantId, raw(1, 6))).toBe(false);
    expect(await store.create(tenantId, wrapped(1))).toBe(false);
    expect(await store.list(tenantId)).toEqual([raw(1, 5)]);
  });

  it("of 5 that are made at once exactly one is stored, and its maker alone learns so", async () => {
    for (let round = 0; round < 5; round++) {
      const tenantId = newId("tenant");
      const fills = [1, 2, 3, 4, 5];
      const made = await Promise.all(
        fills.map((fill) => new R2TenantKeyStore(env.KEYS).create(tenantId, raw(1, fill))),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      expect(await store.list(tenantId)).toEqual([raw(1, fills[made.indexOf(true)])]);
    }
  });

  it("another tenant's id that begins alike sees none of them and destroys none", async () => {
    const tenantId = newId("tenant");
    await store.create(`${tenantId}x`, raw(1));
    expect(await store.list(tenantId)).toEqual([]);
    await store.destroyAll(tenantId);
    expect(await store.list(`${tenantId}x`)).toEqual([raw(1)]);
  });

  it.each([0, -1, 65_536, 1.5, Number.NaN])("there is no version %d", async (version) => {
    await expect(store.create(newId("tenant"), raw(version, 1))).rejects.toThrow(RangeError);
    await expect(store.destroy(newId("tenant"), version)).rejects.toThrow(RangeError);
  });
});

describe("a retired version", () => {
  it("keeps its key and the time it was retired first", async () => {
    const tenantId = newId("tenant");
    await store.create(tenantId, raw(1));
    await store.create(tenantId, wrapped(2));
    for (const version of [1, 2]) await store.retire(tenantId, version, LATER);
    await store.retire(tenantId, 1, "2027-01-01T00:00:00.000Z");
    expect(await store.list(tenantId)).toEqual([
      { ...raw(1), retiredAt: LATER },
      { ...wrapped(2), retiredAt: LATER },
    ]);
  });

  it("that is not there stays away", async () => {
    const tenantId = newId("tenant");
    await store.retire(tenantId, 1, LATER);
    expect(await keysOf(tenantId)).toEqual([]);
  });

  it("of 5 that retire it at once one sets the time, and all go on", async () => {
    const tenantId = newId("tenant");
    await store.create(tenantId, raw(1));
    const times = [1, 2, 3, 4, 5].map((day) => `2026-12-0${day}T00:00:00.000Z`);
    await Promise.all(times.map((time) => new R2TenantKeyStore(env.KEYS).retire(tenantId, 1, time)));
    const [record] = await store.list(tenantId);
    expect(times).toContain(record?.retiredAt);
  });

  it("that is destroyed while it is being retired does not come back", async () => {
    for (const destroyAt of ["before the put", "after the put"] as const) {
      const tenantId = newId("tenant");
      await store.create(tenantId, raw(1));
      const destroying = new Proxy(env.KEYS, {
        get: (target, name) => {
          const method = Reflect.get(target, name) as (...of: unknown[]) => Promise<unknown>;
          return async (...of: unknown[]) => {
            if (name === "put" && destroyAt === "before the put") await store.destroy(tenantId, 1);
            const answer = await method.apply(target, of);
            if (name === "put" && destroyAt === "after the put") await store.destroy(tenantId, 1);
            return answer;
          };
        },
      });
      await new R2TenantKeyStore(destroying).retire(tenantId, 1, LATER);
      expect(await keysOf(tenantId), destroyAt).toEqual([]);
    }
  });
});

describe("S2-24 destroying", () => {
  it("takes the one version that is named, and again does nothing", async () => {
    const tenantId = newId("tenant");
    for (const version of [1, 2, 3]) await store.create(tenantId, raw(version));
    for (let again = 0; again < 2; again++) {
      await store.destroy(tenantId, 2);
      expect(await store.list(tenantId)).toEqual([raw(1), raw(3)]);
    }
  });

  it("takes every version of the tenant, and again does nothing", async () => {
    const tenantId = newId("tenant");
    for (const version of [1, 2, 65_535]) await store.create(tenantId, raw(version));
    for (let again = 0; again < 2; again++) {
      await store.destroyAll(tenantId);
      expect(await keysOf(tenantId)).toEqual([]);
    }
  });
});

describe("a stored version", () => {
  it.each([
    ["nothing", ""],
    ["no JSON", "key"],
    ["null", "null"],
    ["a list", "[]"],
    ["another version", '{"created_at":"x","key":"K","retired_at":null,"v":2,"version":1}'],
    ["white space", `${text(raw(1))} `],
    ["another order", text(raw(1)).replace(/^\{("created_at":"[^"]*"),(.*)\}$/, "{$2,$1}")],
    ["a field more", text(raw(1)).replace(/\}$/, ',"z":1}')],
    ["the number of another version", text(raw(2))],
    ["a key of 31 bytes", text({ ...raw(1), material: { kind: "raw", key: new Uint8Array(31) } })],
    ["a key and a wrapped key", text(raw(1)).replace(/\}$/, ',"wrapped":"x"}')],
    ["no key", '{"created_at":"2026-11-21T09:14:00.000Z","retired_at":null,"v":1,"version":1}'],
  ])("with %s in it is a damaged one: it is no key, and none is made in its place", async (_, stored) => {
    const tenantId = newId("tenant");
    await env.KEYS.put(`tenant-key/${tenantId}/00001`, stored);
    await expect(store.list(tenantId)).rejects.toMatchObject({
      code: "internal",
      internal: expect.stringMatching(/damaged/),
    });
    await expect(store.retire(tenantId, 1, LATER)).rejects.toMatchObject({ code: "internal" });
    expect(await store.create(tenantId, raw(1))).toBe(false);
  });

  it("has these bytes: changing them makes every tenant's keys unreadable", async () => {
    const tenantId = newId("tenant");
    await store.create(tenantId, raw(1));
    await store.create(tenantId, { ...wrapped(2, "opaque"), retiredAt: LATER });
    const stored = await Promise.all((await keysOf(tenantId)).map(async (name) => (await env.KEYS.get(name))?.text()));
    expect(stored).toEqual([
      '{"created_at":"2026-11-21T09:14:00.000Z","key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","retired_at":null,"v":1,"version":1}',
      '{"created_at":"2026-11-21T09:14:00.000Z","retired_at":"2026-11-22T00:00:00.000Z","v":1,"version":2,"wrapped":"opaque"}',
    ]);
  });
});

/** As the store writes it. */
function text({ version, createdAt, retiredAt, material }: TenantKeyRecord): string {
  const key = material.kind === "raw" ? Buffer.from(material.key).toString("base64") : "";
  return JSON.stringify({ created_at: createdAt, key, retired_at: retiredAt, v: 1, version });
}

it("a bucket that does not answer is a store that does not, whatever is asked", async () => {
  const broken = new R2TenantKeyStore(brokenBucket(env.KEYS));
  const tenantId = newId("tenant");
  for (const ask of [
    () => broken.list(tenantId),
    () => broken.create(tenantId, raw(1)),
    () => broken.retire(tenantId, 1, LATER),
    () => broken.destroy(tenantId, 1),
    () => broken.destroyAll(tenantId),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: "storage.unavailable", internal: "keys: no answer" });
  }
});
