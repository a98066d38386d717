/** Subject keys in pages of R2 KEYS: what they cost, who wins a race, what a crash between page and index leaves. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { DomainLog } from "../../durable-objects/domain-log.ts";
import { SUBJECTS_PER_PAGE } from "../../src/crypto/subject-page.ts";
import { SubjectVault, type VaultDeps } from "../../src/services/keys/subject-vault.ts";
import type { SubjectPageStore } from "../../src/services/ports.ts";
import { R2RootStore } from "../../src/storage/root-store.ts";
import { R2SubjectPageStore } from "../../src/storage/subject-page-store.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { append, bareDomain, env, event, inLog, stubOf } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";

/** A bucket that counts what is asked of it. */
function counted(bucket: R2Bucket): { bucket: R2Bucket; calls: Record<string, number> } {
  const calls: Record<string, number> = {};
  const counting = new Proxy(bucket, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls[String(name)] = (calls[String(name)] ?? 0) + 1;
        return value.apply(target, args);
      };
    },
  });
  return { bucket: counting, calls };
}

const total = (calls: Record<string, number>) => Object.values(calls).reduce((sum, n) => sum + n, 0);
const countKeys = (domainId: string) =>
  inLog(domainId, (log) => {
    const { bucket, calls } = counted(env.KEYS);
    log.stores = {
      ...log.stores,
      roots: new R2RootStore(bucket),
      tenantKeys: new R2TenantKeyStore(bucket),
      subjectPages: new R2SubjectPageStore(bucket),
    };
    return calls;
  });

const people = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) =>
    event({ actor: { type: "user", id: `usr_${from + i}`, name: "N" }, targets: [] }),
  );

describe("the R2 operations of an append", () => {
  test("1,000 events about 1,000 new people cost a handful, and again about the same people cost none", async () => {
    const domainId = await bareDomain();
    const calls = await countKeys(domainId);
    await append(domainId, people(0, 1000));
    expect(total(calls), JSON.stringify(calls)).toBeLessThanOrEqual(7);
    expect(calls.put).toBe(2);
    const before = total(calls);
    await append(domainId, people(0, 1000));
    expect(total(calls)).toBe(before);
  });

  test("new people of many requests at once share a put", async () => {
    const domainId = await bareDomain();
    await append(domainId, people(0, 1));
    const calls = await countKeys(domainId);
    await evictDurableObject(stubOf(domainId));
    const fresh = await countKeys(domainId);
    await Promise.all(Array.from({ length: 50 }, (_, i) => append(domainId, people(100 + i, 1))));
    // Requests that come while a put is on its way share the next one: a slow machine hands them over in more groups.
    expect(fresh.put, JSON.stringify(fresh)).toBeLessThanOrEqual(10);
    expect(calls.put ?? 0).toBe(0);
  });

  test("a page takes 1,024 keys; the next person begins another one", async () => {
    const domainId = await bareDomain();
    await append(domainId, people(0, 1000));
    await append(domainId, people(1000, 100));
    const pages = await new R2SubjectPageStore(env.KEYS).list(domainId);
    expect(pages).toEqual([0, 1]);
    const byPage = await inLog(domainId, (_, state) =>
      state.storage.sql
        .exec<{ page: number; n: number }>("SELECT page, count(*) AS n FROM subject GROUP BY page ORDER BY page")
        .toArray(),
    );
    expect(byPage).toEqual([
      { page: 0, n: SUBJECTS_PER_PAGE },
      { page: 1, n: 1100 - SUBJECTS_PER_PAGE },
    ]);
  });
});

function depsOf(log: DomainLog): VaultDeps {
  const { domainId, tenantId } = log.journal.identity() as { domainId: string; tenantId: string };
  const tenantKey = { version: 1, key: new Uint8Array(32).fill(9) };
  return {
    tenantId,
    domainId,
    tenantKeys: {
      current: async () => tenantKey,
      ofVersion: async (version) => (version === 1 ? tenantKey.key : null),
    },
    pages: log.stores.subjectPages,
    index: log.sealed,
    random: (byteLength) => crypto.getRandomValues(new Uint8Array(byteLength)),
  };
}
/** A vault of its own, over the object's index, as another instance of the object would have it. */
const vaultOf = (log: DomainLog, pages?: SubjectPageStore) =>
  new SubjectVault({ ...depsOf(log), ...(pages ? { pages } : {}) });
const ref = (n: number) => n.toString(16).padStart(64, "0");
const hex = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString("hex");

describe("a crash or a failure between the page and the index", () => {
  test("keys that were put and never reached the index are found by the next start, and stay who they are", async () => {
    const domainId = await bareDomain();
    await inLog(domainId, async (log) => {
      const first = await vaultOf(log).ensure([ref(1), ref(2)]);
      // As if the object had ended between the put and the index.
      const index = {
        subjects: (pseudonyms: readonly string[]) => log.sealed.subjects(pseudonyms),
        lastPage: () => log.sealed.lastPage(),
        addKeys: (keys: readonly { pseudonym: string; epoch: number; page: number }[]) => {
          if (keys.some(({ pseudonym }) => pseudonym === ref(3))) throw new Error("the crash");
        },
      };
      const crashing = new SubjectVault({ ...depsOf(log), index });
      await expect(crashing.ensure([ref(3)])).rejects.toThrow("the crash");
      expect(log.sealed.subjects([ref(3)])).toEqual([]);
      const restarted = vaultOf(log);
      const after = await restarted.ensure([ref(1), ref(3), ref(4)]);
      expect(hex(after.get(ref(1))?.key)).toBe(hex(first.get(ref(1))?.key));
      expect(new Set([...after.values()].map(({ key }) => hex(key))).size).toBe(3);
      const stored = await vaultOf(log).existing([ref(3)]);
      expect(hex(stored.get(ref(3))?.key)).toBe(hex(after.get(ref(3))?.key));
    });
  });

  test.each(FAULT_FORMS)(
    "a put that fails (%s) fails the append; the next one goes on, and every key opens",
    async (form) => {
      const domainId = await bareDomain();
      await inLog(domainId, async (log) => {
        await vaultOf(log).ensure([ref(1)]);
        const { store, failed } = withFault(log.stores.subjectPages, { method: "put", form, times: 1 });
        const vault = vaultOf(log, store);
        await expect(vault.ensure([ref(2)])).rejects.toMatchObject({ code: "storage.unavailable" });
        const keys = await vault.ensure([ref(1), ref(2), ref(3)]);
        expect(failed()).toBe(1);
        expect(keys.size).toBe(3);
        for (const [name, { key }] of await vaultOf(log).existing([ref(1), ref(2), ref(3)])) {
          expect(hex(key)).toBe(hex(keys.get(name)?.key));
        }
      });
    },
  );
});

describe("two writers", () => {
  test("an object that was replaced and still writes never takes the other's keys away", async () => {
    const domainId = await bareDomain();
    await inLog(domainId, async (log) => {
      const [a, b] = [vaultOf(log), vaultOf(log)];
      await a.ensure([ref(0)]);
      await b.ensure([ref(0)]);
      for (let round = 0; round < 5; round++) {
        const wanted = (n: number) => [ref(10 * round + n), ref(10 * round + n + 1)];
        const [ours, theirs] = await Promise.all([a.ensure(wanted(1)), b.ensure(wanted(2))]);
        // The person that both made a key for has one.
        const shared = ref(10 * round + 2);
        const stored = await vaultOf(log).existing([...ours.keys(), ...theirs.keys()]);
        expect(hex(stored.get(shared)?.key)).toBe(hex(ours.get(shared)?.key));
        expect(hex(theirs.get(shared)?.key)).toBe(hex(ours.get(shared)?.key));
        expect(stored.size).toBe(3);
      }
    });
  });

  test("a key that was destroyed by one is not put back by the other, who still has the page in memory", async () => {
    const domainId = await bareDomain();
    await inLog(domainId, async (log) => {
      const [a, b] = [vaultOf(log), vaultOf(log)];
      await a.ensure([ref(1), ref(2)]);
      await b.ensure([ref(1), ref(2)]);
      log.sealed.suppress(ref(1), 1);
      await a.destroy(ref(1), 0);
      await b.ensure([ref(3)]);
      const { bytes } = (await log.stores.subjectPages.get(domainId, 0)) as { bytes: Uint8Array };
      // Header, nonce, two keys, tag: SPEC.md §10.
      expect(bytes.length).toBe(3 + 12 + 2 * 66 + 16);
      expect((await b.existing([ref(1)])).size).toBe(0);
    });
  });

  test("a destroyed key is destroyed once; the second time changes nothing", async () => {
    const domainId = await bareDomain();
    await inLog(domainId, async (log) => {
      const vault = vaultOf(log);
      await vault.ensure([ref(1), ref(2)]);
      await vault.destroy(ref(1), 0);
      const before = await log.stores.subjectPages.get(domainId, 0);
      await vault.destroy(ref(1), 0);
      expect((await log.stores.subjectPages.get(domainId, 0))?.etag).toBe(before?.etag);
    });
  });
});

describe("a damaged page", () => {
  const damage = async (log: DomainLog, domainId: string) => {
    const page = (await log.stores.subjectPages.get(domainId, 0)) as { bytes: Uint8Array; etag: string };
    const bytes = page.bytes.slice();
    bytes[40] = (bytes[40] as number) ^ 1;
    await log.stores.subjectPages.put(domainId, 0, bytes, page.etag);
  };

  test("is never overwritten: new keys are refused rather than made over keys that may still be saved", async () => {
    const domainId = await bareDomain();
    await inLog(domainId, async (log) => {
      await vaultOf(log).ensure([ref(1)]);
      await damage(log, domainId);
      const damaged = await log.stores.subjectPages.get(domainId, 0);
      await expect(vaultOf(log).ensure([ref(2)])).rejects.toMatchObject({ code: "storage.unavailable" });
      await expect(vaultOf(log).existing([ref(1)])).rejects.toMatchObject({ code: "storage.unavailable" });
      expect((await log.stores.subjectPages.get(domainId, 0))?.etag).toBe(damaged?.etag);
    });
  });

  test("leaves its people out when somebody reads, and hides nobody else; a bucket that is away throws", async () => {
    const domainId = await bareDomain();
    await inLog(domainId, async (log) => {
      const all = Array.from({ length: SUBJECTS_PER_PAGE + 1 }, (_, n) => ref(n));
      await vaultOf(log).ensure(all);
      await damage(log, domainId);
      const last = all.at(-1) as string;
      expect([...(await vaultOf(log).readable([ref(1), last])).keys()]).toEqual([last]);
      for (const form of FAULT_FORMS) {
        const { store } = withFault(log.stores.subjectPages, { method: "get", form, times: 1 });
        await expect(vaultOf(log, store).readable([last])).rejects.toMatchObject({ code: "storage.unavailable" });
      }
    });
  });
});
