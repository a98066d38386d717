/** How long a key is believed, and what its check costs. The clock is injected. */
import { describe, expect, test, vi } from "vitest";
import { formatApiKey } from "../../../src/core/api-key.ts";
import { AppError } from "../../../src/core/errors.ts";
import { idSuffix } from "../../../src/core/ids.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import * as mac from "../../../src/crypto/api-key-mac.ts";
import * as compare from "../../../src/crypto/compare.ts";
import type { ApiKeyRecord } from "../../../src/services/ports.ts";
import { cachedLookUp, mintKey, PLAIN_KEY, verifyKey } from "../../../src/services/tenancy/keys.ts";
import { mistyped } from "../../support/mistyped.ts";

vi.mock("../../../src/crypto/api-key-mac.ts", { spy: true });
vi.mock("../../../src/crypto/compare.ts", { spy: true });

const PEPPER = new Uint8Array(32).fill(1);
const NOW = Date.parse("2026-11-21T09:00:00Z");
const UUID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";

function minted(expiresAt: string | null = null) {
  return mintKey(
    { ...PLAIN_KEY, tenantId: "tnt_eu_x", name: "k", permissions: ["entry.read"], expiresAt },
    { jurisdiction: "eu", uuid: UUID, pepper: PEPPER, random: (n) => new Uint8Array(n).fill(5), nowMs: NOW },
  );
}

/** A control database with one key, a clock, and the cell's check over both. */
function cell(record: ApiKeyRecord | null) {
  const stored = { record, nowMs: NOW, lookUps: 0, away: false };
  const control = {
    key: async (id: string) => {
      stored.lookUps++;
      if (stored.away) throw new AppError("storage.unavailable");
      return stored.record?.id === id ? stored.record : null;
    },
  };
  const bounds = { freshMs: LIMITS.keyCacheMs, staleMs: LIMITS.keyStaleMs, maxEntries: LIMITS.keyCacheEntries };
  const lookUp = cachedLookUp(control, () => stored.nowMs, bounds);
  return { stored, check: (key: string) => verifyKey(key, "eu", PEPPER, lookUp, stored.nowMs, null) };
}

describe("revocation", () => {
  test("T4 is effective within LIMITS.keyCacheMs, at most 60 s, on an isolate that used the key before", async () => {
    const { key, record } = minted();
    const { stored, check } = cell(record);
    expect(await check(key)).toMatchObject({ keyId: record.id });
    stored.record = { ...record, revokedAt: new Date(NOW).toISOString() };
    stored.nowMs = NOW + LIMITS.keyCacheMs - 1;
    expect(await check(key)).not.toBeNull();
    stored.nowMs = NOW + LIMITS.keyCacheMs;
    expect(await check(key)).toBeNull();
  });

  test("T4 is effective at once on an isolate that did not", async () => {
    const { key, record } = minted();
    const { check } = cell({ ...record, revokedAt: new Date(NOW).toISOString() });
    expect(await check(key)).toBeNull();
  });

  test("T4 is not put off by a clock that is set back", async () => {
    const { key, record } = minted();
    const { stored, check } = cell(record);
    expect(await check(key)).not.toBeNull();
    stored.record = { ...record, revokedAt: new Date(NOW).toISOString() };
    stored.nowMs = NOW - 3_600_000;
    expect(await check(key)).toBeNull();
  });

  test("T4 is effective within 60 s also while the control database is away: then a key is not believed at all", async () => {
    const { key, record } = minted();
    const { stored, check } = cell(record);
    expect(await check(key)).not.toBeNull();
    stored.away = true;
    stored.nowMs = NOW + LIMITS.keyStaleMs - 1;
    expect(await check(key)).not.toBeNull();
    stored.nowMs = NOW + LIMITS.keyStaleMs;
    await expect(check(key)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(LIMITS.keyStaleMs).toBeLessThanOrEqual(60_000);
    expect(LIMITS.keyCacheMs).toBeLessThanOrEqual(LIMITS.keyStaleMs);
  });

  test("an unknown key is not let in while the control database is away", async () => {
    const { stored, check } = cell(null);
    stored.away = true;
    await expect(check(minted().key)).rejects.toMatchObject({ code: "storage.unavailable" });
  });
});

describe("expiry", () => {
  test("is tested against the clock each time, cached or not", async () => {
    const { key, record } = minted(new Date(NOW + 1000).toISOString());
    const { stored, check } = cell(record);
    stored.nowMs = NOW + 999;
    expect(await check(key)).not.toBeNull();
    stored.nowMs = NOW + 1000;
    expect(await check(key)).toBeNull();
    expect(stored.lookUps).toBe(1);
  });
});

describe("the work of a check", () => {
  const workFor = async (record: ApiKeyRecord | null, key: string) => {
    vi.mocked(mac.apiKeyMac).mockClear();
    vi.mocked(compare.equalSecrets).mockClear();
    const { stored, check } = cell(record);
    expect(await check(key)).toBeNull();
    const macs = vi.mocked(mac.apiKeyMac).mock.calls.length;
    return { lookUps: stored.lookUps, macs, comparisons: vi.mocked(compare.equalSecrets).mock.calls.length };
  };

  test("S2-15 is the same for an unknown key id, a wrong secret, a revoked and an expired key", async () => {
    const { key, record } = minted();
    const wrong = formatApiKey("eu", idSuffix(record.id), new Uint8Array(32).fill(6));
    const full = { lookUps: 1, macs: 1, comparisons: 1 };
    expect(await workFor(null, key)).toEqual(full);
    expect(await workFor(record, wrong)).toEqual(full);
    expect(await workFor({ ...record, revokedAt: new Date(NOW).toISOString() }, key)).toEqual(full);
    expect(await workFor({ ...record, expiresAt: new Date(NOW).toISOString() }, key)).toEqual(full);
  });

  test("S2-15 is nothing for a wrong checksum, a wrong form or another jurisdiction", async () => {
    const { key, record } = minted();
    const none = { lookUps: 0, macs: 0, comparisons: 0 };
    const foreign = formatApiKey("us", idSuffix(record.id), new Uint8Array(32).fill(5));
    for (const bad of [mistyped(key), "", "msk_eu_", `${key}0`, foreign])
      expect(await workFor(record, bad)).toEqual(none);
  });

  test("of an unknown key is not remembered: nobody fills the memory with invented ids", async () => {
    const { stored, check } = cell(null);
    const { key } = minted();
    await check(key);
    await check(key);
    expect(stored.lookUps).toBe(2);
  });
});

describe("what is stored of a key", () => {
  test("S2-15 is an HMAC of 32 bytes that is bound to the key's id and the cell's pepper, and not the key", () => {
    const { key, record } = minted();
    const secret = key.slice(-49, -6);
    expect(record.secretMac).toEqual(mac.apiKeyMac(PEPPER, record.id, secret));
    expect(record.secretMac).not.toEqual(mac.apiKeyMac(new Uint8Array(32), record.id, secret));
    expect(record.secretMac).not.toEqual(mac.apiKeyMac(PEPPER, record.id.replace("eu", "us"), secret));
    expect(JSON.stringify(record)).not.toContain(secret);
  });
});
