import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { segmentKey } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { rowsFromArchive } from "../../src/services/log/archive.ts";
import type { SegmentStore } from "../../src/services/ports.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import { alarmLater, append, bareDomain, copiedRows, env, event, inLog, logOf, stubOf } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { expectWholeLog } from "../support/verify.ts";

const many = (count: number) => Array.from({ length: count }, () => event());
const archiveOf = (domainId: string) => new R2SegmentStore(env.LOG, domainId);

/** Recomputes the whole archive on its own and compares it with the copy, row by row. */
async function expectWholeArchive(domainId: string, size: number): Promise<void> {
  const segments = archiveOf(domainId);
  const rows = [];
  for (const firstSeq of await segments.list(0, 1000)) {
    expect(firstSeq).toBe(rows.length);
    const segment = await segments.get(firstSeq);
    rows.push(...((await rowsFromArchive(firstSeq, segment?.payloads.length ?? 0, { segments, sha256 })) ?? []));
  }
  expect(rows).toHaveLength(size);
  const verifier = new ChainVerifier(sha256, domainId, { seq: 0, prevHash: (await logOf(domainId).head()).genesis });
  for (const row of rows) verifier.feed(row);
  expect(verifier.finding).toBeNull();
  expect((await copiedRows(domainId)).slice(0, size)).toEqual(rows);
}

/** Resolves to a count of the calls that failed, so that a test sees its fault happen. */
function breakArchive(domainId: string, fault: Parameters<typeof withFault<SegmentStore>>[1]): Promise<() => number> {
  return inLog(domainId, (log) => {
    const { store, failed } = withFault(log.stores.segments, fault);
    log.stores = { ...log.stores, segments: store };
    return failed;
  });
}

describe("archiving to R2", () => {
  it("S4-6 a segment's key is audit/<domain_id>/<seq:020d>.json.zst, whatever the segment's size", async () => {
    for (const segmentEntries of [1, 3]) {
      const domainId = await bareDomain(segmentEntries);
      await append(domainId, many(5));
      await alarmLater(domainId);
      const keys = (await env.LOG.list({ prefix: `audit/${domainId}/` })).objects.map(({ key }) => key);
      expect(keys.length).toBe(Math.ceil(6 / segmentEntries));
      for (const key of keys) expect(key).toMatch(/^audit\/dom_(eu|us)_[0-9a-z]{26}\/\d{20}\.json\.zst$/);
    }
  });

  it("S4-7 a segment's lines hash to the entry hashes of the queryable copy", async () => {
    const domainId = await bareDomain(4);
    await append(domainId, many(11));
    await alarmLater(domainId);
    await expectWholeArchive(domainId, 12);
  });

  it("an open segment is flushed when its oldest entry has waited long enough, and the next begins after it", async () => {
    const domainId = await bareDomain(10);
    await append(domainId, many(3));
    await inLog(domainId, (log) => log.alarm());
    expect((await logOf(domainId).head()).archivedSize).toBe(0);
    await alarmLater(domainId, 2 * 3_600_000);
    expect((await logOf(domainId).head()).archivedSize).toBe(4);
    await append(domainId, many(12));
    await alarmLater(domainId, 2 * 3_600_000);
    expect(await archiveOf(domainId).list(0, 10)).toEqual([0, 4, 14]);
    await expectWholeArchive(domainId, 16);
  });

  it("an entry leaves the object only when D1 and R2 both hold it", async () => {
    const domainId = await bareDomain(4);
    await breakArchive(domainId, { method: "put", form: "lost", times: 1 });
    await append(domainId, many(7), { waitForCopy: true });
    await inLog(domainId, (log) => log.alarm());
    expect(await logOf(domainId).head()).toMatchObject({ copiedSize: 8, archivedSize: 0, backlogEntries: 8 });
    await alarmLater(domainId);
    expect(await logOf(domainId).head()).toMatchObject({ archivedSize: 8, backlogEntries: 0 });
  });

  for (const method of ["put", "get"] as const) {
    for (const form of FAULT_FORMS) {
      for (const times of [1, 2]) {
        it(`S4-9 a ${method} that fails (${form}, ${times} in a row) leaves no gap and writes nothing twice`, async () => {
          const domainId = await bareDomain(4);
          await logOf(domainId).flush();
          const failed = await breakArchive(domainId, { method, form, times });
          await append(domainId, many(7));
          for (let run = 0; run <= times; run++) await alarmLater(domainId);
          expect(failed()).toBe(times);
          await evictDurableObject(stubOf(domainId));
          await append(domainId, many(4));
          await alarmLater(domainId);
          expect((await expectWholeLog(domainId)).archivedSize).toBe(12);
          await expectWholeArchive(domainId, 12);
        });
      }
    }
  }

  it("a segment that was stored when fewer entries waited is taken as it is, and the next begins after it", async () => {
    const domainId = await bareDomain(8);
    await append(domainId, many(2));
    await logOf(domainId).flush();
    await breakArchive(domainId, { method: "put", form: "answer_lost", times: 1 });
    await alarmLater(domainId, 2 * 3_600_000);
    expect((await logOf(domainId).head()).archivedSize).toBe(0);
    await append(domainId, many(10));
    await alarmLater(domainId, 4 * 3_600_000);
    await alarmLater(domainId, 6 * 3_600_000);
    expect(await archiveOf(domainId).list(0, 10)).toEqual([0, 3, 11]);
    await expectWholeArchive(domainId, 13);
  });

  it("a segment that holds something else under our name is never overwritten: the domain stops", async () => {
    const domainId = await bareDomain(4);
    const foreign = new TextEncoder().encode("not ours");
    await env.LOG.put(segmentKey(domainId, 0), foreign);
    await append(domainId, many(7));
    await alarmLater(domainId);
    const head = await logOf(domainId).head();
    expect(head.stoppedReason).toMatch(/archive segment of entry 0/);
    expect(head.backlogEntries).toBe(8);
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
    expect(await (await env.LOG.get(segmentKey(domainId, 0)))?.text()).toBe("not ours");
  });
});
