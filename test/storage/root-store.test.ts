import { describe, expect, it } from "vitest";
import { R2RootStore } from "../../src/storage/root-store.ts";
import { env } from "../support/cell.ts";
import { newId } from "./sql.ts";
import { brokenBucket } from "./support/broken-bucket.ts";

const roots = new R2RootStore(env.KEYS);
const root = (fill: number) => new Uint8Array(32).fill(fill);

describe("tenant roots", () => {
  it("a tenant has none until one is made, and keeps the first", async () => {
    const tenantId = newId("tenant");
    expect(await roots.get(tenantId)).toBeNull();
    expect(await roots.create(tenantId, root(1))).toEqual(root(1));
    expect(await roots.create(tenantId, root(2))).toEqual(root(1));
    expect(await roots.get(tenantId)).toEqual(root(1));
    expect(await roots.get(newId("tenant"))).toBeNull();
  });

  it("of 5 that are made at once exactly one is stored, and all five learn which", async () => {
    for (let round = 0; round < 5; round++) {
      const tenantId = newId("tenant");
      const made = await Promise.all(
        [1, 2, 3, 4, 5].map((fill) => new R2RootStore(env.KEYS).create(tenantId, root(fill))),
      );
      const kept = await roots.get(tenantId);
      expect([1, 2, 3, 4, 5]).toContain(kept?.[0]);
      expect(made).toEqual(Array.from({ length: 5 }, () => kept));
    }
  });

  it.each([0, 31, 33])("a root of %i bytes is a damaged one: nothing is derived from it", async (byteLength) => {
    const tenantId = newId("tenant");
    await env.KEYS.put(`tenant-root/${tenantId}`, new Uint8Array(byteLength));
    await expect(roots.get(tenantId)).rejects.toMatchObject({ code: "internal" });
    await expect(roots.create(tenantId, root(1))).rejects.toMatchObject({ code: "internal" });
  });

  it("is destroyed for good, alone, and again does nothing", async () => {
    const [tenantId, other] = [newId("tenant"), newId("tenant")];
    await roots.create(tenantId, root(1));
    await roots.create(other, root(2));
    for (let again = 0; again < 2; again++) {
      await roots.destroy(tenantId);
      expect(await roots.get(tenantId)).toBeNull();
    }
    expect(await roots.get(other)).toEqual(root(2));
    const broken = new R2RootStore(brokenBucket(env.KEYS));
    await expect(broken.destroy(other)).rejects.toMatchObject({ code: "storage.unavailable" });
  });

  it("stand in the bucket of keys and in no other", async () => {
    const tenantId = newId("tenant");
    await roots.create(tenantId, root(9));
    const keys = await env.KEYS.list({ prefix: `tenant-root/${tenantId}` });
    expect(keys.objects.map(({ key }) => key)).toEqual([`tenant-root/${tenantId}`]);
    expect((await env.LOG.list()).objects.filter(({ key }) => key.includes(tenantId))).toEqual([]);
  });
});
