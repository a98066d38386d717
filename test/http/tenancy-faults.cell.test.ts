/**
 * Changes of a tenant touch R2, D1 and two logs. Each write fails once in both forms, the object is evicted, and its alarm
 * does the rest: nothing missing, nothing doubled.
 */
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { makeId, platformDomainId } from "../../src/core/ids.ts";
import { env, jurisdiction, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import {
  deskOf,
  entriesAbout,
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
const platform = platformDomainId(jurisdiction);
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

const rows = async (table: string, column: string, value: string) =>
  (await env.CONTROL.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`).bind(value).all<Record<string, string>>())
    .results;
const idIn = async (table: string, column: string, value: string) => {
  const found = await rows(table, column, value);
  expect(found).toHaveLength(1);
  return found[0]?.id as string;
};
const inBothForms = (writes: string[]) =>
  writes.flatMap((name, nth) => FORMS.map((form) => [`${nth}: ${name}`, form, nth] as [string, Form, number]));

/** A desk that fails from the nth write on; then an eviction, an alarm, and nothing more to do. */
async function breakAndRecover(tenantId: string, nth: number, form: Form, change: () => Promise<unknown>) {
  await failFrom(tenantId, nth, form);
  await expect(change()).rejects.toMatchObject(UNAVAILABLE);
  expect(await openJobs(tenantId)).toBe(1);
  await evictDesk(tenantId);
  expect(await runDeskAlarm(tenantId)).toBe(true);
  expect(await openJobs(tenantId)).toBe(0);
}

describe("a new tenant", () => {
  const WRITES = ["create", "addTenant", "create", "record", "addKey", "record", "record"];
  const create = (tenantId: string) => deskOf(tenantId).createTenant({ name: "T", tier: "pro", by: BY });

  async function expectWhole(tenantId: string) {
    const domainId = await idIn("domain", "tenant_id", tenantId);
    const keyId = await idIn("api_key", "tenant_id", tenantId);
    expect(await idIn("tenant", "id", tenantId)).toBe(tenantId);
    expect(await env.KEYS.head(`tenant-root/${tenantId}`)).toMatchObject({ size: 32 });
    expect((await entriesOf(domainId)).map(({ action }) => action)).toEqual([
      "domain.created",
      "tenant.created",
      "api_key.created",
    ]);
    const ids = [tenantId, keyId];
    expect(await entriesAbout(domainId, ids)).toEqual([`tenant.created ${tenantId}`, `api_key.created ${keyId}`]);
    expect(await entriesAbout(platform, ids)).toEqual([`tenant.created ${tenantId}`]);
  }

  test("is these writes, in this order", async () => {
    const tenantId = makeId("tenant", jurisdiction, uuidv7());
    const seen = await recordWrites(tenantId);
    await create(tenantId);
    expect(seen).toEqual(WRITES);
    await expectWhole(tenantId);
  });

  test.each(inBothForms(WRITES))("with write %s %s is whole after an eviction and an alarm", async (_, form, nth) => {
    const tenantId = makeId("tenant", jurisdiction, uuidv7());
    await breakAndRecover(tenantId, nth, form, () => create(tenantId));
    await expectWhole(tenantId);
  });

  test("whose stores stay away is tried again by each alarm, until they are back", async () => {
    const tenantId = makeId("tenant", jurisdiction, uuidv7());
    await failFrom(tenantId, 2, "failed and not persisted");
    await expect(create(tenantId)).rejects.toMatchObject(UNAVAILABLE);
    for (const _ of [1, 2, 3]) {
      expect(await runDeskAlarm(tenantId)).toBe(true);
      expect(await openJobs(tenantId)).toBe(1);
    }
    await evictDesk(tenantId);
    expect(await runDeskAlarm(tenantId)).toBe(true);
    await expectWhole(tenantId);
    expect(await openJobs(tenantId)).toBe(0);
  });
});

describe("a new domain", () => {
  const WRITES = ["addDomain", "create", "record"];
  const create = (name: string) => deskOf(tenant.tenantId).createDomain({ name, segmentEntries: null, by: BY });

  async function expectWhole(name: string) {
    const domainId = await idIn("domain", "name", name);
    expect(await rows("ledger_shard", "domain_id", domainId)).toHaveLength(1);
    expect((await entriesOf(domainId)).map(({ action }) => action)).toEqual(["domain.created"]);
    expect(await entriesAbout(tenant.tenantDomainId, [domainId])).toEqual([`tenant.domain_added ${domainId}`]);
  }

  test("is these writes, in this order", async () => {
    const seen = await recordWrites(tenant.tenantId);
    await create("clean");
    expect(seen).toEqual(WRITES);
    await expectWhole("clean");
  });

  test.each(inBothForms(WRITES))("with write %s %s is whole after an eviction and an alarm", async (_, form, nth) => {
    const name = `broken ${nth} ${form}`;
    await breakAndRecover(tenant.tenantId, nth, form, () => create(name));
    await expectWhole(name);
  });

  test("asked for again before the alarm is one domain, whichever comes first", async () => {
    await failFrom(tenant.tenantId, 0, "failed and not persisted");
    await expect(create("again")).rejects.toMatchObject(UNAVAILABLE);
    await evictDesk(tenant.tenantId);
    await create("again");
    await runDeskAlarm(tenant.tenantId);
    expect(await openJobs(tenant.tenantId)).toBe(0);
    await expectWhole("again");
  });

  test("under a name that is taken leaves no job, no object and no entry", async () => {
    const before = await entriesOf(tenant.tenantDomainId);
    await expect(create("again")).rejects.toMatchObject({ code: "domain.name_taken" });
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect(await entriesOf(tenant.tenantDomainId)).toHaveLength(before.length);
  });
});

describe("a key", () => {
  const create = (name: string) =>
    deskOf(tenant.tenantId).createKey({ name, permissions: ["entry.append"], expiresAt: null, by: BY });
  const revoke = (keyId: string, by: string) => deskOf(tenant.tenantId).revokeKey(keyId, { type: "service", id: by });

  test.each(inBothForms(["addKey", "record"]))(
    "made with write %s %s has one row and one entry",
    async (_, form, nth) => {
      const name = `broken ${nth} ${form}`;
      await breakAndRecover(tenant.tenantId, nth, form, () => create(name));
      const keyId = await idIn("api_key", "name", name);
      expect(await entriesAbout(tenant.tenantDomainId, [keyId])).toEqual([`api_key.created ${keyId}`]);
    },
  );

  test.each(inBothForms(["revokeKey", "record"]))(
    "revoked with write %s %s is revoked once and told once",
    async (_, form, nth) => {
      const { id } = (await create(`revoked ${nth} ${form}`)).record;
      await breakAndRecover(tenant.tenantId, nth, form, () => revoke(id, "operator"));
      expect((await rows("api_key", "id", id))[0]?.revoked_at).not.toBeNull();
      expect(await entriesAbout(tenant.tenantDomainId, [id])).toEqual([
        `api_key.created ${id}`,
        `api_key.revoked ${id}`,
      ]);
    },
  );

  test("revoked by two at once is revoked once, told once, and both hear that it is", async () => {
    const { id } = (await create("raced")).record;
    const answers = await Promise.all([revoke(id, "key_a"), revoke(id, "key_b")]);
    expect(answers.map(({ revokedAt }) => revokedAt)).toEqual([expect.any(String), expect.any(String)]);
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect(await entriesAbout(tenant.tenantDomainId, [id])).toEqual([`api_key.created ${id}`, `api_key.revoked ${id}`]);
  });

  test("whose revocation failed and was asked for again by somebody else leaves no job behind", async () => {
    const { id } = (await create("retried")).record;
    await failFrom(tenant.tenantId, 0, "failed and not persisted");
    await expect(revoke(id, "key_a")).rejects.toMatchObject(UNAVAILABLE);
    await evictDesk(tenant.tenantId);
    expect(await revoke(id, "key_b")).toMatchObject({ revokedAt: expect.any(String) });
    await runDeskAlarm(tenant.tenantId);
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect(await entriesAbout(tenant.tenantDomainId, [id])).toEqual([`api_key.created ${id}`, `api_key.revoked ${id}`]);
  });
});

describe("S2-21 what the product writes", () => {
  test("carries SYSTEM_ACTOR_ID or the credential that asked, and can be found by it", async () => {
    const mine = await newTenant();
    const domainId = await newDomain(mine);
    const byActor = async (domain: string, actorId: string) =>
      (await entriesOf(domain)).filter(({ actor }) => actor.id === actorId).map(({ action }) => action);
    expect(await byActor(domainId, "system:moonseal")).toEqual(["domain.created"]);
    expect(await byActor(mine.tenantDomainId, "operator")).toEqual(["tenant.created", "api_key.created"]);
    expect(await byActor(mine.tenantDomainId, mine.keyId)).toEqual(["tenant.domain_added"]);
    expect(await byActor(platform, "system:moonseal")).toEqual(["domain.created"]);
    for (const { actor } of await entriesOf(mine.tenantDomainId)) {
      expect(["system:moonseal", "operator", mine.keyId]).toContain(actor.id);
    }
  });
});
