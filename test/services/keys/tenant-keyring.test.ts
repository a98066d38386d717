import { describe, expect, test, vi } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { TenantKeyring } from "../../../src/services/keys/tenant-keyring.ts";
import type { TenantKeyRecord, TenantKeyStore } from "../../../src/services/ports.ts";
import { FAULT_FORMS, withFault } from "../../support/faults.ts";
import { TenantKeyStoreDouble } from "../../support/tenant-key-store-double.ts";

const TENANT = "tnt_eu_1";
const START = Date.parse("2026-11-21T09:14:00.000Z");

let fill = 0;
function keyringOver(store: TenantKeyStore) {
  const time = { ms: START };
  const unwrap = vi.fn(async (record: TenantKeyRecord): Promise<Uint8Array> => {
    if (record.material.kind !== "wrapped") throw new Error("a raw key was to be unwrapped");
    return new Uint8Array(32).fill(record.material.wrapped.length);
  });
  const keyring = new TenantKeyring({
    tenantId: TENANT,
    store,
    random: (byteLength) => new Uint8Array(byteLength).fill(++fill),
    clock: () => time.ms,
    unwrap,
  });
  return { keyring, time, unwrap };
}

const record = (version: number, material: TenantKeyRecord["material"]): TenantKeyRecord => ({
  version,
  createdAt: "2026-11-21T09:00:00.000Z",
  retiredAt: null,
  material,
});
const raw = (version: number) => record(version, { kind: "raw", key: new Uint8Array(32).fill(200 + version) });
const wrapped = (version: number, text = "wrapped") => record(version, { kind: "wrapped", wrapped: text });

async function storeWith(...records: TenantKeyRecord[]) {
  const store = new TenantKeyStoreDouble();
  for (const each of records) await store.create(TENANT, each);
  store.calls.splice(0);
  return store;
}

describe("a tenant without a key", () => {
  test("gets version 1, of 32 random bytes, and keeps it", async () => {
    const store = await storeWith();
    const first = await keyringOver(store).keyring.current();
    expect(first.version).toBe(1);
    expect(first.key).toHaveLength(32);
    expect(await store.list(TENANT)).toEqual([
      { version: 1, createdAt: "2026-11-21T09:14:00.000Z", retiredAt: null, material: { kind: "raw", key: first.key } },
    ]);
    expect(await keyringOver(store).keyring.current()).toEqual(first);
    expect(store.count("create")).toBe(1);
  });

  test("gets one key from 5 objects at once: the losers use the winner's", async () => {
    for (let round = 0; round < 10; round++) {
      const store = await storeWith();
      const keyrings = Array.from({ length: 5 }, () => keyringOver(store).keyring);
      const keys = await Promise.all(keyrings.map((keyring) => keyring.current()));
      const [stored] = await store.list(TENANT);
      for (const key of keys) expect(key).toEqual({ version: 1, key: (stored?.material as { key: Uint8Array }).key });
    }
  });

  test("gets one key from 10 calls at once of one object, which all have the same array", async () => {
    const store = await storeWith();
    const { keyring } = keyringOver(store);
    const keys = await Promise.all(Array.from({ length: 10 }, () => keyring.current()));
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1);
    expect(await store.list(TENANT)).toHaveLength(1);
  });

  test.each(FAULT_FORMS)(
    "whose first key meets a fault (%s) gets one at the next call, whichever was stored",
    async (form) => {
      const store = await storeWith();
      const faulty = withFault<TenantKeyStore>(store, { method: "create", form, times: 1 });
      const { keyring } = keyringOver(faulty.store);
      await expect(keyring.current()).rejects.toMatchObject({ code: "storage.unavailable" });
      const { version, key } = await keyring.current();
      const [stored, ...more] = await store.list(TENANT);
      expect(more).toEqual([]);
      expect({ version, key }).toEqual({ version: 1, key: (stored?.material as { key: Uint8Array }).key });
    },
  );

  test("is not given a key that the bucket does not hold: deleted in between, it has none", async () => {
    const store = await storeWith();
    const release = store.hold("create");
    const { keyring } = keyringOver(store);
    const current = keyring.current();
    await vi.waitFor(() => expect(store.count("create")).toBe(1));
    await store.destroyAll(TENANT);
    release();
    await expect(current).rejects.toMatchObject({ code: "storage.unavailable" });
  });

  test("sees its new key although an older reading, which does not show it, is still under way", async () => {
    const store = await storeWith();
    const { keyring, time } = keyringOver(store);
    const createAnswers = store.hold("create");
    const current = keyring.current();
    await vi.waitFor(() => expect(store.count("create")).toBe(1));
    // Somebody asks for a version that nobody knows, and the answer to that takes its time.
    const emptyStore = await storeWith();
    vi.spyOn(store, "list").mockImplementationOnce(() => emptyStore.list(TENANT));
    const listAnswers = emptyStore.hold("list");
    time.ms += LIMITS.tenantKeyRereadMs;
    const unknown = keyring.ofVersion(2);
    createAnswers();
    expect(await current).toMatchObject({ version: 1 });
    listAnswers();
    expect(await unknown).toBeNull();
    // And the older answer does not replace the newer one.
    expect(await keyring.ofVersion(1)).toBe((await current).key);
  });

  test("has no version 1 to open with, and none is made for opening", async () => {
    const store = await storeWith();
    expect(await keyringOver(store).keyring.ofVersion(1)).toBeNull();
    expect(store.count("create")).toBe(0);
  });
});

describe("versions", () => {
  test("the newest is current, every other one opens, and one that is not there is null", async () => {
    const { keyring } = keyringOver(await storeWith(raw(1), raw(2), raw(3)));
    expect(await keyring.current()).toEqual({ version: 3, key: new Uint8Array(32).fill(203) });
    expect(await keyring.ofVersion(1)).toEqual(new Uint8Array(32).fill(201));
    expect(await keyring.ofVersion(4)).toBeNull();
    expect(await keyring.ofVersion(0)).toBeNull();
  });

  test("are read once in 60 s", async () => {
    const store = await storeWith(raw(1));
    const { keyring, time } = keyringOver(store);
    await Promise.all([keyring.current(), keyring.ofVersion(1), keyring.current()]);
    time.ms += 59_999;
    await keyring.current();
    expect(store.count("list")).toBe(1);
    time.ms += 1;
    await Promise.all([keyring.current(), keyring.ofVersion(1), keyring.current()]);
    expect(store.count("list")).toBe(2);
    time.ms += 59_999;
    await keyring.ofVersion(1);
    expect(store.count("list")).toBe(2);
    time.ms = START - 1;
    await keyring.current();
    expect(store.count("list"), "a clock that was set back").toBe(3);
  });

  test("are the same arrays for as long as they do not change: what is derived from them stays", async () => {
    const store = await storeWith(raw(1), raw(2));
    const { keyring, time } = keyringOver(store);
    const [first, second] = [await keyring.ofVersion(1), (await keyring.current()).key];
    for (let minute = 0; minute < 3; minute++) {
      time.ms += 60_000;
      await store.retire(TENANT, 1, "2026-11-21T09:15:00.000Z");
      expect(await keyring.ofVersion(1)).toBe(first);
      expect((await keyring.current()).key).toBe(second);
    }
    await store.destroy(TENANT, 2);
    await store.create(TENANT, { ...raw(2), material: { kind: "raw", key: new Uint8Array(32).fill(9) } });
    time.ms += 60_000;
    expect(await keyring.ofVersion(2)).toEqual(new Uint8Array(32).fill(9));
    expect(await keyring.ofVersion(1)).toBe(first);
  });

  test("that were made elsewhere are current after 60 s, and open at once", async () => {
    const store = await storeWith(raw(1));
    const { keyring, time } = keyringOver(store);
    await keyring.current();
    await store.create(TENANT, raw(2));
    time.ms += LIMITS.tenantKeyRereadMs - 1;
    expect(await keyring.current()).toMatchObject({ version: 1 });
    expect(await keyring.ofVersion(2), "asked for again no sooner than after a second").toBeNull();
    time.ms += 1;
    expect(await keyring.ofVersion(2)).toEqual(new Uint8Array(32).fill(202));
    expect(await keyring.current()).toMatchObject({ version: 2 });
    const later = keyringOver(store);
    await later.keyring.current();
    await store.create(TENANT, raw(3));
    later.time.ms += 60_000;
    expect(await later.keyring.current()).toMatchObject({ version: 3 });
  });

  test("that nobody has make nobody read more than once a second, and older ones not at all", async () => {
    const store = await storeWith(raw(1), raw(2));
    await store.destroy(TENANT, 1);
    const { keyring, time } = keyringOver(store);
    await keyring.current();
    for (let ms = 0; ms < 3000; ms += 100) {
      time.ms = START + ms;
      expect(await keyring.ofVersion(1)).toBeNull();
    }
    expect(store.count("list")).toBe(1);
    for (let ms = 3000; ms < 6000; ms += 100) {
      time.ms = START + ms;
      expect(await keyring.ofVersion(65_535)).toBeNull();
    }
    expect(store.count("list")).toBe(1 + 3);
  });

  test("that were destroyed elsewhere open nothing after 60 s", async () => {
    const store = await storeWith(raw(1), raw(2));
    const { keyring, time } = keyringOver(store);
    expect(await keyring.ofVersion(1)).not.toBeNull();
    await store.destroy(TENANT, 1);
    time.ms += 60_000;
    expect(await keyring.ofVersion(1)).toBeNull();
  });

  test.each(FAULT_FORMS)("that cannot be read (%s) fail that call, and not the next one", async (form) => {
    const store = await storeWith(raw(1));
    const faulty = withFault<TenantKeyStore>(store, { method: "list", form, times: 1 });
    const { keyring } = keyringOver(faulty.store);
    const both = await Promise.allSettled([keyring.current(), keyring.ofVersion(1)]);
    for (const outcome of both) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "storage.unavailable" } });
    }
    expect(await keyring.current()).toMatchObject({ version: 1 });
    expect(store.count("create")).toBe(0);
  });

  test("that were known go on being used for 60 s while the store is away, and no longer", async () => {
    const store = await storeWith(raw(1));
    const faulty = withFault<TenantKeyStore>(store, { method: "list", form: "lost", times: 0 });
    const { keyring, time } = keyringOver(faulty.store);
    await keyring.current();
    vi.spyOn(store, "list").mockRejectedValue(new AppError("storage.unavailable"));
    time.ms += 59_999;
    expect(await keyring.current()).toMatchObject({ version: 1 });
    time.ms += 1;
    await expect(keyring.current()).rejects.toMatchObject({ code: "storage.unavailable" });
  });
});

describe("forget", () => {
  test("drops every key: the next call reads again", async () => {
    const store = await storeWith(raw(1), wrapped(2));
    const { keyring, unwrap } = keyringOver(store);
    const before = await keyring.ofVersion(1);
    await keyring.current();
    keyring.forget();
    expect(await keyring.ofVersion(1)).not.toBe(before);
    await keyring.current();
    expect(store.count("list")).toBe(2);
    expect(unwrap).toHaveBeenCalledTimes(2);
  });

  test("also what is being read at that moment", async () => {
    const store = await storeWith(raw(1));
    const { keyring } = keyringOver(store);
    const release = store.hold("list");
    const reading = keyring.ofVersion(1);
    keyring.forget();
    await store.destroy(TENANT, 1);
    release();
    expect(await reading).not.toBeNull();
    expect(await keyring.ofVersion(1)).toBeNull();
  });
});

describe("a wrapped key", () => {
  test("is asked of the tenant's key service once in 60 s, by as many as want it", async () => {
    const { keyring, time, unwrap } = keyringOver(await storeWith(wrapped(1)));
    const asked = [keyring.current(), keyring.current()];
    const first = await keyring.ofVersion(1);
    for (const { key } of await Promise.all(asked)) expect(key).toBe(first);
    time.ms += 59_999;
    expect((await keyring.current()).key).toBe(first);
    expect(unwrap).toHaveBeenCalledTimes(1);
    expect(unwrap).toHaveBeenCalledWith(wrapped(1), 1);
    time.ms += 1;
    const second = (await keyring.current()).key;
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
    expect(unwrap).toHaveBeenCalledTimes(2);
  });

  test("that is refused is an error as the service's client throws it, and is asked for again at the next call", async () => {
    const { keyring, unwrap } = keyringOver(await storeWith(wrapped(1)));
    const refused = new AppError("keys.unavailable", { internal: "403" });
    unwrap.mockRejectedValueOnce(refused);
    const both = await Promise.allSettled([keyring.current(), keyring.ofVersion(1)]);
    expect(both).toEqual([
      { status: "rejected", reason: refused },
      { status: "rejected", reason: refused },
    ]);
    expect(await keyring.current()).toMatchObject({ version: 1 });
    expect(unwrap).toHaveBeenCalledTimes(2);
  });

  test("that the service stops giving is of no use after 60 s", async () => {
    const { keyring, time, unwrap } = keyringOver(await storeWith(wrapped(1)));
    await keyring.current();
    unwrap.mockRejectedValue(new AppError("keys.unavailable"));
    time.ms += 60_000;
    await expect(keyring.current()).rejects.toMatchObject({ code: "keys.unavailable" });
    await expect(keyring.ofVersion(1)).rejects.toMatchObject({ code: "keys.unavailable" });
  });

  test("that was wrapped anew is asked for anew", async () => {
    const store = await storeWith(wrapped(1, "ab"));
    const { keyring, time, unwrap } = keyringOver(store);
    await keyring.ofVersion(2);
    time.ms += 30_000;
    expect(await keyring.ofVersion(1)).toEqual(new Uint8Array(32).fill(2));
    await store.destroy(TENANT, 1);
    await store.create(TENANT, wrapped(1, "abc"));
    time.ms += 30_000;
    expect(await keyring.ofVersion(1), "30 s after it was unwrapped").toEqual(new Uint8Array(32).fill(3));
    expect(unwrap).toHaveBeenCalledTimes(2);
  });

  test.each([0, 16, 31, 33])("of %i bytes is none", async (byteLength) => {
    const { keyring, unwrap } = keyringOver(await storeWith(wrapped(1)));
    unwrap.mockResolvedValue(new Uint8Array(byteLength));
    await expect(keyring.current()).rejects.toMatchObject({ code: "keys.unavailable" });
  });

  test("beside raw ones is the only one that is unwrapped", async () => {
    const { keyring, unwrap } = keyringOver(await storeWith(raw(1), wrapped(2), raw(3)));
    await keyring.current();
    await keyring.ofVersion(1);
    expect(unwrap).not.toHaveBeenCalled();
    await keyring.ofVersion(2);
    expect(unwrap).toHaveBeenCalledTimes(1);
  });
});
