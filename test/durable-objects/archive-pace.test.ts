/** How the archiver goes: as many entries to an object, and as late, as the domain says; killed anywhere, nothing is missing or doubled. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { SegmentStore } from "../../src/services/ports.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { alarmLater, append, call, env, event, inLog, logOf, newDomain, newTenant, stubOf } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

const HOUR = 3_600_000;
const many = (count: number) => Array.from({ length: count }, () => event());
const archiveOf = (domainId: string) => new R2SegmentStore(env.LOG, domainId);

/** Entries of each object, in order; throws where one begins elsewhere than the one before it ended. */
async function archived(domainId: string): Promise<number[]> {
  const counts: number[] = [];
  let next = 0;
  for (const firstSeq of await archiveOf(domainId).list(0, 1000)) {
    expect(firstSeq).toBe(next);
    const count = (await archiveOf(domainId).get(firstSeq))?.payloads.length ?? 0;
    counts.push(count);
    next += count;
  }
  return counts;
}
const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
const set = (key: string, domainId: string, body: object) =>
  call(`/v1/domains/${domainId}/settings`, { method: "PATCH", key, body, headers: { "If-Match": "*" } });

async function domainWith(settings: object) {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant);
  const answer = await set(tenant.key, domainId, settings);
  expect(answer.status).toBe(200);
  // Not of interest here: the domain's first entries.
  await alarmLater(domainId, 30 * 24 * HOUR);
  return { tenant, domainId, before: await archived(domainId), settings: await answer.json() };
}

describe("S4-5 archived entries are as many as the head", () => {
  test("after every run, whatever the size of an object", async () => {
    for (const segment_entries of [1, 3, 4096]) {
      const { domainId } = await domainWith({ segment_entries });
      for (const count of [1, 4, 7]) {
        await append(domainId, many(count));
        await alarmLater(domainId, 60 * 24 * HOUR);
        const { size, archivedSize, oldestUnarchivedAt } = await logOf(domainId).head();
        expect([sum(await archived(domainId)), archivedSize, oldestUnarchivedAt]).toEqual([size, size, null]);
      }
    }
  });

  test("and while some wait, the head says since when", async () => {
    const { domainId } = await domainWith({ segment_entries: 100 });
    await append(domainId, many(3), { waitForCopy: true });
    const { size, archivedSize, oldestUnarchivedAt } = await logOf(domainId).head();
    expect(size - archivedSize).toBe(3);
    expect(Date.now() - Date.parse(oldestUnarchivedAt ?? "")).toBeLessThan(60_000);
  });
});

describe("the settings of a domain", () => {
  test("say how many entries are in the next objects, and leave those that there are", async () => {
    const { tenant, domainId, before } = await domainWith({ segment_entries: 2 });
    await append(domainId, many(4));
    await alarmLater(domainId);
    expect(await archived(domainId)).toEqual([...before, 2, 2]);
    expect((await set(tenant.key, domainId, { segment_entries: 3 })).status).toBe(200);
    await alarmLater(domainId, 30 * 24 * HOUR);
    const changed = await archived(domainId);
    await append(domainId, many(6));
    await alarmLater(domainId, 31 * 24 * HOUR);
    expect(await archived(domainId)).toEqual([...changed, 3, 3]);
  });

  test("say how late an object that is not full is written: no earlier and no later", async () => {
    const { domainId, before } = await domainWith({ segment_entries: 100, segment_flush_seconds: 120 });
    await append(domainId, many(3));
    await alarmLater(domainId, 90_000);
    expect(await archived(domainId)).toEqual(before);
    await alarmLater(domainId, 121_000);
    expect(await archived(domainId)).toEqual([...before, 3]);
  });

  test("are those that the domain was made with until somebody sets them, and null sets them back", async () => {
    const { tenant, domainId, settings } = await domainWith({ segment_entries: 7 });
    expect(settings).toMatchObject({ segment_entries: 7, segment_flush_seconds: 3600 });
    expect(await (await set(tenant.key, domainId, { segment_entries: null })).json()).toMatchObject({
      segment_entries: null,
    });
  });

  test.each([
    [{ segment_entries: 0 }, "/segment_entries"],
    [{ segment_entries: 4097 }, "/segment_entries"],
    [{ segment_flush_seconds: 59 }, "/segment_flush_seconds"],
    [{ segment_flush_seconds: 86_401 }, "/segment_flush_seconds"],
    [{ segment_flush_seconds: null, segment_entries: 1.5 }, "/segment_entries"],
  ])("are refused outside their bounds: %j", async (body, pointer) => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    expect(pointersOf(await problemOf(await set(tenant.key, domainId, body), "request.invalid"))).toEqual([pointer]);
  });
});

describe("S4-9 the archiver, killed at any call of the store and started again", () => {
  for (const method of ["put", "get"] as const) {
    for (const form of FAULT_FORMS) {
      for (const at of [1, 2, 3]) {
        test(`${method} number ${at}, ${form}: no gap, nothing twice, nothing overwritten`, async () => {
          const { domainId, before } = await domainWith({ segment_entries: 2 });
          await inLog(domainId, (log) => {
            log.stores = { ...log.stores, segments: killedAt(log.stores.segments, method, form, at) };
          });
          await append(domainId, many(8));
          await alarmLater(domainId);
          const etags = await etagsOf(domainId);
          // Killed: whatever was in memory is gone.
          await evictDurableObject(stubOf(domainId));
          await alarmLater(domainId, 24 * HOUR);
          expect(await archived(domainId)).toEqual([...before, 2, 2, 2, 2]);
          const { size, archivedSize, stoppedReason } = await logOf(domainId).head();
          expect([archivedSize, stoppedReason]).toEqual([size, null]);
          expect(await etagsOf(domainId)).toMatchObject(etags);
        });
      }
    }
  }
});

/** From that call on every call fails, as of a process that is gone. */
function killedAt(store: SegmentStore, method: "put" | "get", form: "lost" | "answer_lost", at: number): SegmentStore {
  let calls = 0;
  const { store: dead } = withFault(store, { method, form, times: Number.POSITIVE_INFINITY });
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      if (name !== method) return value.bind(target);
      return (...args: never[]) =>
        ++calls < at ? value.apply(target, args) : (dead[method] as (...of: never[]) => unknown)(...args);
    },
  });
}

async function etagsOf(domainId: string): Promise<Record<string, string>> {
  const { objects } = await env.LOG.list({ prefix: `audit/${domainId}/` });
  return Object.fromEntries(objects.map(({ key, etag }) => [key, etag]));
}
