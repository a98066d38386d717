/** The tenant's next key, raw or wrapped, among others who make one. */
import { beforeEach, describe, expect, test } from "vitest";
import { makeNextVersion, type Wrapping } from "../../../src/services/keys/key-service.ts";
import { formatWrappedKey, parseWrappedKey } from "../../../src/services/keys/wrapped-key.ts";
import type { TenantKeyRecord } from "../../../src/services/ports.ts";

const TENANT = "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
const AT = "2026-11-21T10:00:00.000Z";
let stored: TenantKeyRecord[];
let lost: number;

const raw = (version: number): TenantKeyRecord => ({
  version,
  createdAt: "2026-01-01T00:00:00.000Z",
  retiredAt: null,
  material: { kind: "raw", key: new Uint8Array(32) },
});
const deps = {
  tenantId: TENANT,
  random: (byteLength: number) => new Uint8Array(byteLength).fill(7),
  keys: {
    list: async () => [...stored],
    create: async (_: string, record: TenantKeyRecord) => {
      if (lost-- > 0) stored.push(raw(record.version));
      if (stored.some(({ version }) => version === record.version)) return false;
      stored.push(record);
      return true;
    },
  },
};
const wrapping: Wrapping = {
  service: 4,
  client: {
    wrap: async (tenantId, key, version) => btoa(`${tenantId} ${key[0]} ${version}`),
    unwrap: () => Promise.reject(new Error("nobody unwraps here")),
  },
};

beforeEach(() => {
  stored = [];
  lost = 0;
});

describe("S3-41 the next version of a tenant's key", () => {
  test("is the first, raw, when there is none and no service", async () => {
    const record = await makeNextVersion(null, AT, deps);
    expect(record).toEqual({
      version: 1,
      createdAt: AT,
      retiredAt: null,
      material: { kind: "raw", key: deps.random(32) },
    });
    expect(stored).toEqual([record]);
  });

  test("comes after all that there are, wrapped under its own number by the service", async () => {
    stored = [raw(2), raw(9)];
    const { version, material } = await makeNextVersion(wrapping, AT, deps);
    expect(version).toBe(10);
    if (material.kind !== "wrapped") throw new Error("not wrapped");
    expect(parseWrappedKey(material.wrapped)).toEqual({ service: 4, ciphertext: btoa(`${TENANT} 7 10`) });
  });

  test("is another one when somebody else was faster, wrapped anew", async () => {
    lost = 2;
    const { version, material } = await makeNextVersion(wrapping, AT, deps);
    expect(version).toBe(3);
    expect(material).toEqual({
      kind: "wrapped",
      wrapped: formatWrappedKey({ service: 4, ciphertext: btoa(`${TENANT} 7 3`) }),
    });
    expect(stored.map((record) => record.version)).toEqual([1, 2, 3]);
  });

  test("is given up when others are faster all the time, and nothing of ours is stored", async () => {
    lost = 99;
    await expect(makeNextVersion(null, AT, deps)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(stored.every(({ createdAt }) => createdAt !== AT)).toBe(true);
  });

  test("is not stored when the service does not wrap it", async () => {
    const client = { ...wrapping.client, wrap: () => Promise.reject(new Error("no")) };
    await expect(makeNextVersion({ service: 1, client }, AT, deps)).rejects.toThrow("no");
    expect(stored).toEqual([]);
  });

  test("is never the number that stands for the tenant's root", async () => {
    stored = [raw(65_534)];
    await expect(makeNextVersion(null, AT, deps)).rejects.toMatchObject({ code: "limit.reached" });
  });
});
