/**
 * A change of a tenant's key service touches D1, R2 and a log. Each write fails once in both forms, the object is evicted, and
 * its alarm does the rest: nothing missing, nothing doubled, and at every moment every key opens.
 */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { tenantKeyringFor } from "../../durable-objects/tenant-keyring.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { D1KeyServiceStore } from "../../src/storage/key-service-store.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { env, newTenant, type TestTenant } from "../support/cell.ts";
import { httpsConfig, type KeyServices, otherConfig, standInKeyServices } from "../support/key-services.ts";
import {
  deskOf,
  entriesOf,
  evictDesk,
  FORMS,
  type Form,
  failFrom,
  openJobs,
  recordWrites,
  runDeskAlarm,
} from "../support/tenancy.ts";

const BY = { type: "service", id: "operator" } as const;
const UNAVAILABLE = { code: "storage.unavailable" };
let services: KeyServices;
let tenant: TestTenant;

beforeEach(async () => {
  services = standInKeyServices();
  tenant = await newTenant();
});

const desk = () => deskOf(tenant.tenantId);
const keyring = () => tenantKeyringFor(env, cellConfig(env), tenant.tenantId);
const told = async () =>
  (await entriesOf(tenant.tenantDomainId))
    .map(({ action }) => action)
    .filter((action) => action.includes("key_service"));
const inBothForms = (writes: string[]) =>
  writes.flatMap((name, nth) => FORMS.map((form) => [`${nth}: ${name}`, form, nth] as [string, Form, number]));

/** A desk that fails from the nth write on; then an eviction, an alarm, and nothing more to do. */
async function breakAndRecover(nth: number, form: Form, change: () => Promise<unknown>, between = everyKeyOpens) {
  await failFrom(tenant.tenantId, nth, form);
  await expect(change()).rejects.toMatchObject(UNAVAILABLE);
  expect(await openJobs(tenant.tenantId)).toBe(1);
  await evictDesk(tenant.tenantId);
  await between();
  expect(await runDeskAlarm(tenant.tenantId)).toBe(true);
  expect(await openJobs(tenant.tenantId)).toBe(0);
  await between();
}

async function everyKeyOpens() {
  const { version } = await keyring().current();
  for (let v = 1; v <= version; v++) expect(await keyring().ofVersion(v), `version ${v}`).toHaveLength(32);
}

const custody = async () =>
  (await desk().keyService()).keyVersions.map(({ service, retiredAt }) => [service, retiredAt === null]);

describe("S3-41 a key service that is set", () => {
  const WRITES = ["put", "create", "activate", "retire", "record"];
  const set = () => desk().setKeyService(httpsConfig(), BY);

  async function expectWhole() {
    expect((await desk().keyService()).active).toMatchObject({ service: 1, state: "working" });
    expect(await custody()).toEqual([
      [null, false],
      [1, true],
    ]);
    expect(await told()).toEqual(["tenant.key_service_changed"]);
  }

  beforeEach(() => keyring().current());

  test("is these writes, in this order", async () => {
    const seen = await recordWrites(tenant.tenantId);
    await set();
    expect(seen).toEqual(WRITES);
    await expectWhole();
  });

  test.each(inBothForms(WRITES))("with write %s %s is whole after an eviction and an alarm", async (_, form, nth) => {
    await breakAndRecover(nth, form, set);
    await expectWhole();
  });

  test.each(inBothForms(WRITES))(
    "with write %s %s and asked for again before the alarm is set once",
    async (_, form, nth) => {
      await failFrom(tenant.tenantId, nth, form);
      await expect(set()).rejects.toMatchObject(UNAVAILABLE);
      await evictDesk(tenant.tenantId);
      await set();
      await runDeskAlarm(tenant.tenantId);
      expect(await openJobs(tenant.tenantId)).toBe(0);
      expect(await custody()).toEqual([
        [null, false],
        [1, true],
      ]);
      await everyKeyOpens();
    },
  );

  test("whose row rotation removes meanwhile, because no key needs it yet, is whole all the same", async () => {
    await failFrom(tenant.tenantId, 1, "failed and not persisted");
    await expect(set()).rejects.toMatchObject(UNAVAILABLE);
    await new D1KeyServiceStore(env.CONTROL).remove(tenant.tenantId, 1);
    await evictDesk(tenant.tenantId);
    await runDeskAlarm(tenant.tenantId);
    await expectWhole();
    await everyKeyOpens();
  });

  test("whose version number somebody else takes meanwhile is set under the next one", async () => {
    const { handle } = services.https;
    let raced = false;
    vi.spyOn(services.https, "handle").mockImplementation(async (request) => {
      const answer = await handle(request.clone());
      const { version } = (await request.json()) as { version: number };
      if (version === 2 && request.url.endsWith("/wrap") && services.https.trail.length === 3 && !raced) {
        raced = true;
        const material = { kind: "raw" as const, key: new Uint8Array(32).fill(2) };
        const theirs = { version, createdAt: "2026-01-01T00:00:00.000Z", retiredAt: null, material };
        await new R2TenantKeyStore(env.KEYS).create(tenant.tenantId, theirs);
      }
      return answer;
    });
    await set();
    expect(raced).toBe(true);
    expect(await custody()).toEqual([
      [null, false],
      [null, false],
      [1, true],
    ]);
    expect(await told()).toEqual(["tenant.key_service_changed"]);
    await everyKeyOpens();
  });
});

describe("S3-41 a key service in place of another", () => {
  test.each(inBothForms(["put", "create", "activate", "retire", "record"]))(
    "with write %s %s is whole after an eviction and an alarm",
    async (_, form, nth) => {
      await desk().setKeyService(httpsConfig(), BY);
      await breakAndRecover(nth, form, () => desk().setKeyService(otherConfig(), BY));
      expect((await desk().keyService()).active).toMatchObject({ service: 2 });
      expect(await custody()).toEqual([
        [1, false],
        [2, true],
      ]);
    },
  );
});

describe("S3-41 credentials that are replaced", () => {
  test.each(inBothForms(["put", "record"]))("with write %s %s are whole after an alarm", async (_, form, nth) => {
    await desk().setKeyService(httpsConfig(), BY);
    await breakAndRecover(nth, form, () => desk().setKeyService(httpsConfig(), BY));
    expect(await custody()).toEqual([[1, true]]);
    expect(await told()).toEqual(["tenant.key_service_changed", "tenant.key_service_changed"]);
  });
});

describe("S3-41 a key service that is removed", () => {
  test.each(inBothForms(["create", "deactivate", "retire", "record"]))(
    "with write %s %s is gone after an eviction and an alarm",
    async (_, form, nth) => {
      await desk().setKeyService(httpsConfig(), BY);
      await breakAndRecover(nth, form, () => desk().removeKeyService(BY));
      expect((await desk().keyService()).active).toBeNull();
      expect(await custody()).toEqual([
        [1, false],
        [null, true],
      ]);
      expect(await told()).toEqual(["tenant.key_service_changed", "tenant.key_service_removed"]);
    },
  );
});

describe("S3-41 a failure that is reported", () => {
  // An object that opened a key would report that the service works.
  const nothing = async () => {};
  const report = (state: "refused" | "working") => desk().keyServiceObserved({ service: 1, state });

  test.each(inBothForms(["setState", "record"]))("with write %s %s is told once", async (_, form, nth) => {
    await desk().setKeyService(httpsConfig(), BY);
    await breakAndRecover(nth, form, () => report("refused"), nothing);
    await report("refused");
    expect(await told()).toEqual(["tenant.key_service_changed", "tenant.key_service_failed"]);
    await breakAndRecover(nth, form, () => report("working"), nothing);
    await report("working");
    expect((await told()).at(-1)).toBe("tenant.key_service_restored");
    expect(await told()).toHaveLength(3);
  });

  test("about a service that the tenant does not have is nothing", async () => {
    await report("refused");
    expect(await told()).toEqual([]);
  });
});
