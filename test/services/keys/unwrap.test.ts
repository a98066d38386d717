/** Unwrapping for one object: what it asks, what it remembers of a failure, what it tells. */
import { beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { KeyServiceFailure, type KeyServiceState } from "../../../src/core/key-service.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { asSealed, Sealer } from "../../../src/crypto/sealed.ts";
import { readSlotKeys } from "../../../src/crypto/slot-keys.ts";
import { sealCredentials } from "../../../src/services/keys/credentials.ts";
import { TenantKeyring } from "../../../src/services/keys/tenant-keyring.ts";
import { type KeyServiceObservation, type Unwrap, unwrapper } from "../../../src/services/keys/unwrap.ts";
import type { KeyServiceRecord, TenantKeyRecord } from "../../../src/services/ports.ts";
import { testBindings } from "../../support/bindings.ts";

const TENANT = "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
const START = Date.parse("2026-11-21T10:00:00.000Z");
const sealer = new Sealer(readSlotKeys(testBindings("eu")));
const roots = { get: async () => new Uint8Array(32).fill(5) };
const keyOf = (version: number) => new Uint8Array(32).fill(version);
const wrappedBy = (service: number, version = 1): TenantKeyRecord => ({
  version,
  createdAt: new Date(START).toISOString(),
  retiredAt: null,
  material: { kind: "wrapped", wrapped: `v1.${service}.AAAA` },
});

let nowMs: number;
let failure: KeyServiceFailure | null;
let calls: string[];
let told: KeyServiceObservation[];
let rows: KeyServiceRecord[];
let controlIsAway: boolean;
let unwrap: Unwrap;

beforeEach(async () => {
  [nowMs, failure, calls, told, controlIsAway] = [START, null, [], [], false];
  const token = { kind: "https", token: "a-token-of-the-service" } as const;
  rows = [];
  for (const service of [1, 2]) {
    const settings = { kind: "https", url: `https://keys.acme.example/${service}` } as const;
    rows.push({
      tenantId: TENANT,
      service,
      settings,
      credentials: await sealCredentials({ service, settings }, token, { tenantId: TENANT, sealer, roots }),
      createdAt: new Date(START).toISOString(),
      retiredAt: service === 1 ? new Date(START).toISOString() : null,
      state: "working",
      checkedAt: new Date(START).toISOString(),
    });
  }
  unwrap = unwrapper({
    tenantId: TENANT,
    sealer,
    roots,
    clock: () => nowMs,
    services: {
      list: async () => {
        if (controlIsAway) throw new AppError("storage.unavailable");
        return rows;
      },
    },
    connect: (settings, credentials) => ({
      wrap: () => Promise.reject(new Error("nobody wraps here")),
      unwrap: async (tenantId, wrapped, version) => {
        calls.push(`${JSON.stringify(settings)} ${JSON.stringify(credentials)} ${tenantId} ${wrapped} ${version}`);
        if (failure) throw failure;
        return keyOf(version);
      },
    }),
    report: async (observation) => {
      told.push(observation);
      const row = rows.find(({ service }) => service === observation.service);
      if (row) Object.assign(row, { state: observation.state, checkedAt: new Date(nowMs).toISOString() });
    },
  });
});

const later = (ms: number) => {
  nowMs += ms;
};
const isFailure = (fault: KeyServiceState) => expect.objectContaining({ code: "keys.unavailable", fault });
const refused = new KeyServiceFailure("refused", "the key is revoked there");
const silent = new KeyServiceFailure("no_answer", "it did not answer within 5 s");

describe("S3-41 a wrapped key", () => {
  test("is unwrapped by the service that wrapped it, also when another one wraps now", async () => {
    expect(await unwrap(wrappedBy(1))).toEqual(keyOf(1));
    expect(await unwrap(wrappedBy(2, 7))).toEqual(keyOf(7));
    expect(calls.map((call) => call.slice(0, 55))).toEqual([
      '{"kind":"https","url":"https://keys.acme.example/1"} {"',
      '{"kind":"https","url":"https://keys.acme.example/2"} {"',
    ]);
    expect(calls[1]).toContain(`"a-token-of-the-service"} ${TENANT} AAAA 7`);
  });

  test("that is raw needs nobody", async () => {
    const raw: TenantKeyRecord = { ...wrappedBy(1), material: { kind: "raw", key: keyOf(3) } };
    expect(await unwrap(raw)).toEqual(keyOf(3));
    expect(calls).toEqual([]);
  });

  test.each(["AAAA", "v1.AAAA", "v1.0.AAAA", "v1.1.AA AA", "v2.1.AAAA", "v1.1."])(
    "that is stored as %j is damage, and asks nobody",
    async (wrapped) => {
      const record: TenantKeyRecord = { ...wrappedBy(1), material: { kind: "wrapped", wrapped } };
      await expect(unwrap(record)).rejects.toMatchObject({ code: "storage.unavailable" });
      expect(calls).toEqual([]);
    },
  );

  test("of a service whose row is gone, or whose credentials do not open, asks nobody", async () => {
    await expect(unwrap(wrappedBy(9))).rejects.toMatchObject({ code: "storage.unavailable" });
    const row = rows[0] as KeyServiceRecord;
    row.credentials = asSealed("api_credentials", (rows[1] as KeyServiceRecord).credentials);
    await expect(unwrap(wrappedBy(1))).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(calls).toEqual([]);
    expect(told).toEqual([]);
  });

  test("opens while the control database is away, once its settings were read", async () => {
    controlIsAway = true;
    await expect(unwrap(wrappedBy(1))).rejects.toMatchObject({ code: "storage.unavailable" });
    controlIsAway = false;
    await unwrap(wrappedBy(1));
    controlIsAway = true;
    expect(await unwrap(wrappedBy(1))).toEqual(keyOf(1));
  });
});

describe("S3-41 a service that fails", () => {
  test("is left alone for 5 s, in which everybody gets the failure at once, and then asked again", async () => {
    failure = refused;
    for (const _ of [1, 2, 3]) await expect(unwrap(wrappedBy(2))).rejects.toEqual(isFailure("refused"));
    expect(calls).toHaveLength(1);
    later(LIMITS.keyServiceRetryMs - 1);
    await expect(unwrap(wrappedBy(2))).rejects.toEqual(isFailure("refused"));
    expect(calls).toHaveLength(1);
    failure = null;
    later(1);
    expect(await unwrap(wrappedBy(2))).toEqual(keyOf(1));
    expect(calls).toHaveLength(2);
  });

  test("does not keep another service from being asked", async () => {
    failure = refused;
    await expect(unwrap(wrappedBy(2))).rejects.toEqual(isFailure("refused"));
    failure = null;
    expect(await unwrap(wrappedBy(1))).toEqual(keyOf(1));
  });

  test("is asked again when the clock was set back", async () => {
    failure = refused;
    await expect(unwrap(wrappedBy(2))).rejects.toEqual(isFailure("refused"));
    failure = null;
    later(-60_000);
    expect(await unwrap(wrappedBy(2))).toEqual(keyOf(1));
  });

  test("is told about once for each change, not once for each request", async () => {
    const step = async (what: KeyServiceFailure | null) => {
      failure = what;
      for (const _ of [1, 2]) await unwrap(wrappedBy(2)).catch(() => {});
      later(LIMITS.keyServiceRetryMs);
    };
    for (const what of [null, refused, refused, refused, null, null, silent, silent, null]) await step(what);
    expect(told.map(({ state }) => state)).toEqual(["refused", "working", "no_answer", "working"]);
  });

  test("by falling silent after it refused is the same trouble; by refusing after silence it is another", async () => {
    const step = async (what: KeyServiceFailure) => {
      failure = what;
      await unwrap(wrappedBy(2)).catch(() => {});
      later(LIMITS.keyServiceRetryMs);
    };
    for (const what of [silent, refused, silent, refused]) await step(what);
    expect(told.map(({ state }) => state)).toEqual(["no_answer", "refused"]);
  });

  test("is told about again when a report was lost", async () => {
    failure = refused;
    await unwrap(wrappedBy(2)).catch(() => {});
    Object.assign(rows[1] as KeyServiceRecord, { state: "working" });
    later(LIMITS.keyServiceRetryMs);
    await unwrap(wrappedBy(2)).catch(() => {});
    expect(told.map(({ state }) => state)).toEqual(["refused", "refused"]);
  });

  test("and a service that works is told to have been seen working once an hour", async () => {
    for (let minute = 0; minute < 150; minute++) {
      await unwrap(wrappedBy(2));
      later(60_000);
    }
    expect(told.map(({ state }) => state)).toEqual(["working", "working"]);
  });
});

describe("S3-41 behind the keyring", () => {
  test("a revocation cuts the object off within 60 s, and a restoration is seen within 5 s", async () => {
    const records = [wrappedBy(2)];
    const store = { list: async () => records } as unknown as ConstructorParameters<typeof TenantKeyring>[0]["store"];
    const keyring = new TenantKeyring({ tenantId: TENANT, store, random: keyOf, clock: () => nowMs, unwrap });
    expect((await keyring.current()).key).toEqual(keyOf(1));
    failure = refused;
    later(60_000 - 1);
    await keyring.current();
    later(1);
    await expect(keyring.current()).rejects.toEqual(isFailure("refused"));
    await expect(keyring.ofVersion(1)).rejects.toEqual(isFailure("refused"));
    failure = null;
    later(LIMITS.keyServiceRetryMs);
    expect((await keyring.current()).key).toEqual(keyOf(1));
  });
});
