/**
 * A tenant's types and a domain's settings, with each write failing once in both forms: the object is evicted, its alarm does the
 * rest, nothing is missing and nothing doubled.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { DOMAIN_SETTINGS, settingsOf } from "../../src/core/domain-settings.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { D1EventTypeStore } from "../../src/storage/event-type-store.ts";
import { env, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
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

const by = { type: "service", id: "operator" } as const;
const words = {
  description: "Somebody approved an order",
  category: "billing",
  does: "write",
  sensitivity: "low",
  people: [],
  // `hex` is how the jobs of the object write bytes: what a tenant wrote comes back as it was.
  metadataSchema: { const: { hex: "00ff" } },
  eventSchema: null,
} as const;
const store = new D1EventTypeStore(env.CONTROL);

let tenant: TestTenant;
let named = 0;
beforeAll(async () => {
  tenant = await newTenant();
});

const inBothForms = (writes: string[]) =>
  writes.flatMap((name, nth) => FORMS.map((form) => [`${nth}: ${name}`, form, nth] as [string, Form, number]));

async function breakAndRecover(nth: number, form: Form, change: () => Promise<unknown>) {
  await failFrom(tenant.tenantId, nth, form);
  await expect(change()).rejects.toMatchObject({ code: "storage.unavailable" });
  expect(await openJobs(tenant.tenantId)).toBe(1);
  await evictDesk(tenant.tenantId);
  expect(await runDeskAlarm(tenant.tenantId)).toBe(true);
  expect(await openJobs(tenant.tenantId)).toBe(0);
}

const desk = () => deskOf(tenant.tenantId);
const newAction = () => `thing.done${++named}`;
const add = (action: string) =>
  desk().changeEventType({
    kind: "add",
    action,
    by,
    words: { ...words, people: [], metadataSchema: { ...words.metadataSchema } },
  });
const told = async (log: string, about: string) =>
  (await entriesOf(log))
    .filter(({ targets }) => JSON.stringify(targets ?? []).includes(`"${about}"`))
    .map(({ action }) => action)
    .filter((action) => /event_type|settings/.test(action));

describe("a new type", () => {
  const WRITES = ["add", "record"];

  async function expectWhole(action: string) {
    expect(await store.type(tenant.tenantId, action)).toMatchObject({ newest: 1, withdrawnAt: null });
    expect(await store.versions(tenant.tenantId, action)).toMatchObject([{ metadataSchema: words.metadataSchema }]);
    expect(await told(tenant.tenantDomainId, action)).toEqual(["tenant.event_type_added"]);
  }

  test("is these writes, in this order", async () => {
    const action = newAction();
    const seen = await recordWrites(tenant.tenantId);
    await add(action);
    expect(seen).toEqual(WRITES);
    await expectWhole(action);
  });

  test.each(inBothForms(WRITES))("with write %s %s is whole after an eviction and an alarm", async (_, form, nth) => {
    const action = newAction();
    await breakAndRecover(nth, form, () => add(action));
    await expectWhole(action);
  });

  test.each(FORMS)("is there once for whoever asks again before the alarm: %s", async (form) => {
    const action = newAction();
    await failFrom(tenant.tenantId, 0, form);
    await expect(add(action)).rejects.toMatchObject({ code: "storage.unavailable" });
    await evictDesk(tenant.tenantId);
    await expect(add(action)).rejects.toMatchObject({ code: "event_type.exists" });
    await expectWhole(action);
  });
});

describe("a withdrawal", () => {
  test.each(inBothForms(["withdraw", "record"]))("with write %s %s is whole afterwards", async (_, form, nth) => {
    const action = newAction();
    await evictDesk(tenant.tenantId);
    const { type: of } = await add(action);
    await breakAndRecover(nth, form, () => desk().changeEventType({ kind: "withdraw", action, of, by }));
    expect((await store.type(tenant.tenantId, action))?.withdrawnAt).not.toBeNull();
    expect(await told(tenant.tenantDomainId, action)).toEqual([
      "tenant.event_type_added",
      "tenant.event_type_withdrawn",
    ]);
  });
});

describe("a change of settings", () => {
  const change = (domainId: string) =>
    desk().changeDomainSettings({ domainId, change: { record_reads: false }, of: DOMAIN_SETTINGS, by });

  test.each(inBothForms(["changeDomain", "record", "record"]))(
    "with write %s %s is whole afterwards, and told of once in each log",
    async (_, form, nth) => {
      await evictDesk(tenant.tenantId);
      const domainId = await newDomain(tenant);
      await breakAndRecover(nth, form, () => change(domainId));
      const domain = await new D1ControlStore(env.CONTROL).domain(domainId);
      expect(domain && settingsOf(domain)).toEqual({ ...DOMAIN_SETTINGS, record_reads: false });
      for (const log of [domainId, tenant.tenantDomainId]) {
        expect(await told(log, domainId)).toEqual(["domain.settings_changed"]);
      }
    },
  );
});
