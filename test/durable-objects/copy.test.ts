import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { LedgerStore } from "../../src/services/ports.ts";
import {
  alarmLater,
  append,
  bareDomain,
  env,
  event,
  inLog,
  ledgerOf,
  logOf,
  runAlarm,
  stubOf,
} from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { expectWholeLog } from "../support/verify.ts";

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => event({ metadata: { i }, clear_metadata: ["i"] }));

/** Resolves to a count of the calls that failed, so that a test sees its fault happen. */
function breakLedger(domainId: string, fault: Parameters<typeof withFault<LedgerStore>>[1]): Promise<() => number> {
  return inLog(domainId, (log) => {
    const { store, failed } = withFault(log.stores.ledger, fault);
    log.stores = { ...log.stores, ledger: store };
    return failed;
  });
}

describe("copying to D1", () => {
  for (const form of FAULT_FORMS) {
    for (const times of [1, 2]) {
      it(`an insert that fails (${form}, ${times} in a row) loses nothing and doubles nothing`, async () => {
        const domainId = await bareDomain();
        await logOf(domainId).flush();
        const failed = await breakLedger(domainId, { method: "insert", form, times });
        await append(domainId, many(7));
        for (let run = 0; run <= times; run++) await alarmLater(domainId);
        expect((await expectWholeLog(domainId)).size).toBe(8);
        // Going on with the same and with another size.
        await append(domainId, many(7));
        await append(domainId, many(3));
        await alarmLater(domainId);
        expect((await expectWholeLog(domainId)).size).toBe(18);
        expect(failed()).toBe(times);
      });
    }

    it(`an insert that fails (${form}) and a read back that fails too leave the copy to the next run`, async () => {
      const domainId = await bareDomain();
      await logOf(domainId).flush();
      await breakLedger(domainId, { method: "insert", form, times: 1 });
      await breakLedger(domainId, { method: "tip", form: "lost", times: 1 });
      await append(domainId, many(5));
      await alarmLater(domainId);
      await alarmLater(domainId);
      expect((await expectWholeLog(domainId)).size).toBe(6);
    });

    it(`eviction right after an insert that failed (${form}) is repaired by the start`, async () => {
      const domainId = await bareDomain();
      await logOf(domainId).flush();
      await breakLedger(domainId, { method: "insert", form, times: 1 });
      await append(domainId, many(5));
      await inLog(domainId, (log) => log.alarm());
      await evictDurableObject(stubOf(domainId));
      await append(domainId, many(2));
      expect((await expectWholeLog(domainId)).size).toBe(8);
    });
  }

  it("with D1 down, appends go on and the backlog shows; when it is back, the backlog drains completely", async () => {
    const domainId = await bareDomain();
    await logOf(domainId).flush();
    const down = async (): Promise<never> => {
      throw new AppError("storage.unavailable", { internal: "down" });
    };
    let isDown = true;
    await inLog(domainId, (log) => {
      const { ledger } = log.stores;
      const switched = new Proxy(ledger, {
        get: (target, name) => {
          const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
          return isDown ? down : method.bind(target);
        },
      });
      log.stores = { ...log.stores, ledger: switched };
    });
    const receipts = [];
    for (let i = 0; i < 20; i++) receipts.push(...(await append(domainId, many(50))).receipts);
    await inLog(domainId, (log) => log.alarm());
    const during = await logOf(domainId).head();
    expect(during).toMatchObject({ size: 1001, copiedSize: 1 });
    // Entry 0 is in D1 and, since the archive works, in a segment: it alone has left the object.
    expect(during.backlogEntries).toBe(1000);
    expect(during.oldestUncopiedAt).not.toBeNull();
    await expect(logOf(domainId).flush()).rejects.toMatchObject({ code: "storage.unavailable" });
    isDown = false;
    expect((await expectWholeLog(domainId)).copiedSize).toBe(1001);
    const rows = await ledgerOf(domainId).rows({ fromSeq: 1, toSeq: 1000, limit: 1000 });
    expect(rows.map(({ seq, entryHash }) => ({ seq, entry_hash: entryHash }))).toEqual(
      receipts.map(({ seq, entry_hash }) => ({ seq, entry_hash })),
    );
  });

  it("a fresh object takes appends while D1 is down, and copies nothing before it has compared itself", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(3), { waitForCopy: true });
    await evictDurableObject(stubOf(domainId));
    await breakLedger(domainId, { method: "missingGuards", form: "lost", times: 3 });
    const { receipts } = await append(domainId, many(2));
    expect(receipts.map(({ seq }) => seq)).toEqual([4, 5]);
    await inLog(domainId, (log) => log.alarm());
    expect((await logOf(domainId).head()).copiedSize).toBe(4);
    await alarmLater(domainId);
    await expectWholeLog(domainId);
  });

  it("wait=replicated answers only when D1 holds the entries, or says that it does not", async () => {
    const domainId = await bareDomain();
    const waited = await append(domainId, many(3), { waitForCopy: true });
    expect(waited.replicated).toBe(true);
    expect((await ledgerOf(domainId).tip())?.size).toBe(4);
    await breakLedger(domainId, { method: "insert", form: "lost", times: 2 });
    expect((await append(domainId, many(1), { waitForCopy: true })).replicated).toBe(false);
    await expectWholeLog(domainId);
  });

  it("past the backlog's bound appends are refused with Retry-After, and a known idempotency key is still answered", async () => {
    const domainId = await bareDomain();
    await append(domainId, event(), { idempotencyKey: "before" });
    await inLog(domainId, (log) => {
      const journal = log.journal;
      Object.defineProperty(journal, "pendingStats", { value: () => ({ entries: 1, bytes: 2 ** 30 }) });
    });
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "backlog.full", retryAfterSeconds: 30 });
    expect((await append(domainId, event(), { idempotencyKey: "before" })).replayed).toBe(true);
  });

  it("the alarm does all of this without being asked", async () => {
    const domainId = await bareDomain(4);
    await append(domainId, many(10));
    // Two full segments of four are archived; the open one waits.
    const copied = async () => {
      const head = await logOf(domainId).head();
      expect(head).toMatchObject({ copiedSize: 11, archivedSize: 8, backlogEntries: 3 });
    };
    // Entry 0 may be copied alone, before the keys of the first append are there: then the others gather first.
    await vi.waitFor(copied, { timeout: 5000 });
    expect((await env.LOG.list({ prefix: `audit/${domainId}/` })).objects).toHaveLength(2);
  });

  it("entries that come while the alarm runs, and after it, are copied without being asked for", async () => {
    const domainId = await bareDomain();
    await logOf(domainId).flush();
    for (let round = 0; round < 3; round++) {
      const alarm = inLog(domainId, (log) => log.alarm());
      await append(domainId, event());
      await alarm;
      await append(domainId, event());
    }
    await vi.waitFor(async () => expect((await logOf(domainId).head()).copiedSize).toBe(7), { timeout: 5000 });
  });

  it("a caller whose wait was in vain leaves the copy to the alarm", async () => {
    const domainId = await bareDomain();
    await logOf(domainId).flush();
    await breakLedger(domainId, { method: "insert", form: "lost", times: 3 });
    expect((await append(domainId, many(2), { waitForCopy: true })).replicated).toBe(false);
    await vi.waitFor(async () => expect((await logOf(domainId).head()).copiedSize).toBe(3), { timeout: 10_000 });
  });
});
