/** The rotation of a tenant's key: everything under the next version, readable throughout, whatever breaks on the way. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { DomainStores } from "../../durable-objects/domain-log/stores.ts";
import { LIMITS } from "../../src/core/limits.ts";
import {
  alarmLater,
  call,
  env,
  event,
  inLog,
  logOf,
  newDomain,
  newTenant,
  stubOf,
  type TestTenant,
} from "../support/cell.ts";
import { withFault } from "../support/faults.ts";
import { placeHold, readHold, releaseHold } from "../support/holds.ts";
import { askForRotation, shownKeys, tenantKeyVersionsIn, untilRotated, wakeLater } from "../support/rotation.ts";
import { deskStub, entriesOf, evictDesk, FORMS, failFrom, recordWrites, runDeskAlarm } from "../support/tenancy.ts";
import { expectWholeLog } from "../support/verify.ts";

const PEOPLE = 3;
const EVENTS = 12;

interface Scene {
  tenant: TestTenant;
  domainId: string;
}

/** A domain whose sealed values lie in the archive, in D1 and in the object. */
async function scene(): Promise<Scene> {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant, { segment_entries: 4 });
  const events = Array.from({ length: EVENTS }, (_, i) => [
    event({
      actor: { type: "user", id: `usr_${i % PEOPLE}`, email: `u${i % PEOPLE}@example.org` },
      reason: `person ${i}`,
    }),
    event({ actor: { type: "service", id: "svc" }, reason: `nobody ${i}` }),
  ]).flat();
  await post(domainId, tenant, events);
  await alarmLater(domainId);
  await post(domainId, tenant, events.slice(0, 2));
  return { tenant, domainId };
}

async function post(domainId: string, tenant: TestTenant, events: object[]): Promise<void> {
  const answer = await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body: events });
  expect(answer.status, await answer.clone().text()).toBe(201);
}

/** Every private value of the first entries, by its place; null where it does not open. */
async function revealed({ tenant, domainId }: Scene): Promise<string[]> {
  const body = { reason: "test", from: 1, to: 2 * EVENTS + 2, limit: 100 };
  const answer = await call(`/v1/domains/${domainId}/audit/entries/reveal`, { key: tenant.key, body });
  expect(answer.status, await answer.clone().text()).toBe(200);
  const { entries } = (await answer.json()) as {
    entries: { seq: number; private: { pointer: string; value: unknown }[]; people: { email_claim: unknown }[] }[];
  };
  return entries.flatMap(({ seq, private: values, people }) => [
    ...values.map(({ pointer, value }) => `${seq} ${pointer} ${JSON.stringify(value)}`),
    ...people.map(({ email_claim }) => `${seq} e-mail ${JSON.stringify(email_claim)}`),
  ]);
}

const told = async (tenant: TestTenant) =>
  (await entriesOf(tenant.tenantDomainId)).map(({ action }) => action).filter((action) => action.startsWith("key."));

describe("S3-38 the rotation of a tenant's key", () => {
  let it: Scene;
  let before: string[];
  beforeAll(async () => {
    it = await scene();
    before = await revealed(it);
  });

  test("brings pages of keys and values about nobody under the next version in every store, and all opens as before", async () => {
    expect(before).toHaveLength(EVENTS * 3 + EVENTS + 1 + 3);
    expect(before.filter((value) => value.endsWith("null"))).toEqual([]);
    expect(await tenantKeyVersionsIn(it.domainId)).toEqual([1]);
    const answer = await askForRotation(it.tenant);
    expect(await answer.json()).toMatchObject({ rotation: { kind: "rotate", version: 2 } });
    await untilRotated(it.tenant);
    expect(await tenantKeyVersionsIn(it.domainId)).toEqual([2]);
    expect(await revealed(it)).toEqual(before);
    expect((await shownKeys(it.tenant)).versions).toMatchObject([
      { version: 1, retired_at: expect.any(String), destroyed_after: expect.any(String) },
      { version: 2, retired_at: null, destroyed_after: null },
    ]);
    expect(await told(it.tenant)).toEqual(["key.rotation_started", "key.rotation_finished"]);
    await expectWholeLog(it.domainId);
  });

  test("shows versions and ages and never a byte of a key, to the tenant its own and to the operator the slots", async () => {
    const answer = await call("/v1/keys", { key: it.tenant.key });
    const text = await answer.text();
    const { tenant_keys, slots } = JSON.parse(text);
    expect(slots).toBeNull();
    for (const { age_days } of tenant_keys.versions) expect(age_days).toBeLessThan(90);
    const operators = await (await call("/v1/keys", { key: env.OPERATOR_SECRET })).text();
    expect(JSON.parse(operators)).toMatchObject({ tenant_keys: null });
    expect(JSON.parse(operators).slots).toHaveLength(12);
    for (const secret of Object.entries(env).filter(([name]) => name.startsWith("SLOT_"))) {
      expect(operators + text).not.toContain(secret[1]);
    }
    for (const { key } of (await env.KEYS.list({ prefix: `tenant-key/${it.tenant.tenantId}/` })).objects) {
      const stored = JSON.parse((await (await env.KEYS.get(key))?.text()) ?? "{}");
      expect(stored.key).toHaveLength(44);
      expect(operators + text).not.toContain(stored.key);
    }
  });

  test("begins by itself when the key is 90 days old, not before, and goes on by the alarm", async () => {
    await wakeLater(it.tenant, 89);
    await untilRotated(it.tenant);
    expect(await tenantKeyVersionsIn(it.domainId)).toEqual([2]);
    await wakeLater(it.tenant, 91);
    await untilRotated(it.tenant);
    expect(await tenantKeyVersionsIn(it.domainId)).toEqual([3]);
    expect(await revealed(it)).toEqual(before);
  });

  test("a key that was replaced is destroyed 31 days after its last use, not while a legal hold is in force", async () => {
    const days = LIMITS.tenantKeyKeptMs / (24 * 60 * 60 * 1000);
    const hold = await placeHold(it.tenant, { domains: [it.domainId] });
    await wakeLater(it.tenant, 91 + days + 1);
    await untilRotated(it.tenant);
    const versions = async () => (await shownKeys(it.tenant)).versions.map(({ version }) => version);
    expect(await versions()).toEqual([2, 3]);
    await releaseHold(it.tenant, hold.id);
    await wakeLater(it.tenant, 91 + days - 2);
    await untilRotated(it.tenant);
    expect(await versions()).toContain(2);
    await wakeLater(it.tenant, 91 + days + 1);
    await untilRotated(it.tenant);
    expect(await versions()).toEqual([3]);
    expect((await told(it.tenant)).at(-1)).toBe("key.destroyed");
    await evictDurableObject(stubOf(it.domainId));
    expect(await revealed(it)).toEqual(before);
    expect((await readHold(it.tenant, hold.id)).reason).toBe("a reason");
  });

  test("what a restored database brings back under an older key delays its end", async () => {
    const mine = await scene();
    const own = await revealed(mine);
    const sql =
      "SELECT seq, sealed FROM audit_private_value WHERE domain_id = ? AND subject = x'' ORDER BY seq LIMIT 1";
    const row = await env.LEDGER_00.prepare(sql).bind(mine.domainId).first<{ seq: number; sealed: number[] }>();
    await askForRotation(mine.tenant);
    await untilRotated(mine.tenant);
    const put = "UPDATE audit_private_value SET sealed = ? WHERE domain_id = ? AND subject = x'' AND seq = ?";
    await env.LEDGER_00.prepare(put)
      .bind(new Uint8Array(row?.sealed ?? []), mine.domainId, row?.seq)
      .run();
    await wakeLater(mine.tenant, 32);
    await untilRotated(mine.tenant);
    expect((await told(mine.tenant)).at(-1)).toBe("key.retirement_delayed");
    expect(await tenantKeyVersionsIn(mine.domainId)).toEqual([2]);
    expect((await shownKeys(mine.tenant)).versions).toHaveLength(2);
    expect(await revealed(mine)).toEqual(own);
  });
});

describe("a rotation that breaks goes on where it was, and everything opens at every moment", () => {
  test.each(FORMS)("at each write of the desk that %s", async (form) => {
    const probe = await scene();
    const writes = await recordWrites(probe.tenant.tenantId);
    await askForRotation(probe.tenant);
    await untilRotated(probe.tenant);
    expect(writes).toEqual(["create", "retire", "record", "record"]);
    for (const nth of writes.keys()) {
      const it = await scene();
      const before = await revealed(it);
      await failFrom(it.tenant.tenantId, nth, form);
      await askForRotation(it.tenant);
      await runDeskAlarm(it.tenant.tenantId);
      expect((await shownKeys(it.tenant)).rotation).not.toBeNull();
      expect(await revealed(it)).toEqual(before);
      await evictDesk(it.tenant.tenantId);
      await untilRotated(it.tenant);
      expect(await tenantKeyVersionsIn(it.domainId)).toEqual([2]);
      expect(await revealed(it)).toEqual(before);
      expect((await shownKeys(it.tenant)).versions).toHaveLength(2);
      expect(await told(it.tenant)).toEqual(["key.rotation_started", "key.rotation_finished"]);
    }
  });

  const STEPS = [
    ["subjectPages", "put"],
    ["resealLedger", "replacePrivates"],
    ["sealedPages", "rewrite"],
  ] as const;
  test.each(
    STEPS.flatMap(([store, method]) =>
      (["lost", "answer_lost"] as const).map((form) => [store, method, form] as const),
    ),
  )("when %s.%s fails (%s) and both objects are evicted", async (store, method, form) => {
    const it = await scene();
    const before = await revealed(it);
    await evictDurableObject(stubOf(it.domainId));
    const failed = await inLog(it.domainId, (log) => {
      const fault = { method, form, times: 1 } as never;
      const faulty = withFault(log.stores[store as keyof DomainStores] as object, fault);
      log.stores = { ...log.stores, [store]: faulty.store };
      return faulty.failed;
    });
    await askForRotation(it.tenant);
    await vi.waitFor(() => expect(failed()).toBe(1));
    expect(await revealed(it)).toEqual(before);
    await evictDurableObject(stubOf(it.domainId));
    await evictDurableObject(deskStub(it.tenant.tenantId));
    await untilRotated(it.tenant);
    expect(await tenantKeyVersionsIn(it.domainId)).toEqual([2]);
    expect(await revealed(it)).toEqual(before);
  });

  test("while events come in: each is sealed, opens, and in the end all is under the next version", async () => {
    const it = await scene();
    await askForRotation(it.tenant);
    const more = event({ actor: { type: "service", id: "svc" }, reason: "during" });
    await Promise.all([
      untilRotated(it.tenant),
      ...Array.from({ length: 10 }, () => post(it.domainId, it.tenant, [more, more])),
    ]);
    expect((await logOf(it.domainId).head()).size).toBe(2 * EVENTS + 3 + 20);
    await askForRotation(it.tenant);
    await untilRotated(it.tenant);
    expect(await tenantKeyVersionsIn(it.domainId)).toEqual([3]);
  });
});

describe("S3-34 destroying the keys of tenant A", () => {
  test("leaves B readable, and of A nothing", async () => {
    const [a, b] = [await scene(), await scene()];
    const before = await revealed(b);
    for (const prefix of [`tenant-key/${a.tenant.tenantId}/`, `subject-keys/${a.domainId}/`]) {
      const { objects } = await env.KEYS.list({ prefix });
      expect(objects.length).toBeGreaterThan(0);
      await env.KEYS.delete(objects.map(({ key }) => key));
    }
    await evictDurableObject(stubOf(a.domainId));
    await evictDurableObject(stubOf(b.domainId));
    expect(await revealed(b)).toEqual(before);
    const body = { reason: "test", from: 1, to: 4 };
    const answer = await call(`/v1/domains/${a.domainId}/audit/entries/reveal`, { key: a.tenant.key, body });
    for (const words of ["person 0", "nobody 0", "u0@example.org"])
      expect(await answer.clone().text()).not.toContain(words);
  });
});
