import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { platformDomainId } from "../../src/core/ids.ts";
import { segmentKey } from "../../src/core/segment.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { append, env, event, inLog, jurisdiction, keeperOf, logOf, stubOf } from "../support/cell.ts";
import { FAULT_FORMS, type FaultForm, withFault } from "../support/faults.ts";
import {
  archiveAll,
  archivedDomain,
  BY,
  breakRestore,
  evictKeeper,
  forgeFrom,
  restore,
  rowsIn,
  turn,
  WHOLE,
  wipeLedger,
} from "../support/restore.ts";
import { ensurePlatform } from "../support/self-check.ts";
import { tamper } from "../support/tamper.ts";
import { expectWholeLog } from "../support/verify.ts";

describe("a living log whose D1 was lost", () => {
  it("S4-8 comes back out of the archive byte for byte, and what was not archived yet out of the object", async () => {
    const domainId = await archivedDomain(21);
    await append(domainId, [event(), event(), event()], { waitForCopy: true });
    const before = await rowsIn(domainId);
    await wipeLedger(domainId);
    const view = await restore(domainId);
    expect(view).toMatchObject({ phase: "done", log: "living", size: 22, inserted: 22, compared: 22, refused: null });
    expect(await rowsIn(domainId)).toEqual(before);
    await append(domainId, event(), { waitForCopy: true });
    await expectWholeLog(domainId);
  });

  for (const from of [1, 4, 6, 21]) {
    it(`S4-8 goes on from a true beginning of ${from} rows that D1 kept`, async () => {
      const domainId = await archivedDomain(21);
      const before = await rowsIn(domainId);
      await wipeLedger(domainId, from);
      expect(await restore(domainId)).toMatchObject({ phase: "done", inserted: 22 - from, compared: 22 });
      expect(await rowsIn(domainId)).toEqual(before);
      await expectWholeLog(domainId);
    });
  }

  it("a pruned prefix is not brought back: D1 begins where the log says that it begins", async () => {
    const domainId = await archivedDomain(21);
    const before = await rowsIn(domainId);
    await inLog(domainId, (log) =>
      log.journal.setKeptFrom({ firstHot: 9, hotPrevHash: before[9]?.prevHash ?? "", firstKept: 0 }),
    );
    await wipeLedger(domainId);
    expect(await restore(domainId)).toMatchObject({ phase: "done", fromSeq: 9, inserted: 13, compared: 13 });
    expect(await rowsIn(domainId)).toEqual(before.slice(9));
  });

  it("a D1 that holds another row than the archive is refused, with the entry", async () => {
    const domainId = await archivedDomain(21);
    const other = JSON.stringify({ other: true });
    await tamper(domainId, `UPDATE audit_log SET payload = '${other}' WHERE domain_id = ?1 AND seq = 7`);
    expect(await restore(domainId)).toMatchObject({
      phase: "refused",
      refused: { code: "ledger_contradicts", seq: 7 },
    });
  });

  it.each([
    ["with another id", "UPDATE audit_log SET id = 'x' || substr(id, 2)"],
    ["with another entry hash", "UPDATE audit_log SET entry_hash = zeroblob(32)"],
    ["that follows another hash", "UPDATE audit_log SET prev_hash = zeroblob(32)"],
    ["with a line break in its payload", "UPDATE audit_log SET payload = payload || char(10) || payload"],
    ["that is missing", "DELETE FROM audit_log"],
  ])("S4-8 a row %s is found by the comparison, in the midst of rows that are right", async (_, sql) => {
    const domainId = await archivedDomain(21);
    await tamper(domainId, `${sql} WHERE domain_id = ?1 AND seq = 7`);
    expect(await restore(domainId)).toMatchObject({
      phase: "refused",
      refused: { code: "ledger_contradicts", seq: 7 },
    });
  });

  it("an object of the archive that was altered is refused with its entry before anything of it is written", async () => {
    const domainId = await archivedDomain(21);
    const segments = new R2SegmentStore(env.LOG, domainId);
    const segment = await segments.get(8);
    const payloads = (segment?.payloads ?? []).map((line) => line.replace("invoice.exported", "invoice.imported"));
    await env.LOG.delete(segmentKey(domainId, 8));
    await segments.put({ ...segment!.head!, sha256: "0".repeat(64) }, payloads);
    await wipeLedger(domainId);
    const view = await restore(domainId);
    expect(view).toMatchObject({ phase: "refused", refused: { code: "archive_damaged" } });
    expect(view.refused?.seq).toBeGreaterThanOrEqual(8);
    expect(view.refused?.seq).toBeLessThan(12);
    expect(await rowsIn(domainId)).toEqual([]);
  });

  it("an altered object whose chain was made whole again is named by the leaf of its first entry", async () => {
    const domainId = await archivedDomain(21);
    await forgeFrom(domainId, 8);
    await wipeLedger(domainId);
    expect(await restore(domainId)).toMatchObject({ refused: { code: "archive_damaged", seq: 8 } });
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
  });

  for (const seq of [0, 8, 20]) {
    it(`an object of the archive that is lost, of entry ${seq}, is refused with its entry`, async () => {
      const domainId = await archivedDomain(21);
      await env.LOG.delete(segmentKey(domainId, seq));
      await wipeLedger(domainId);
      const { refused } = await restore(domainId);
      expect(refused?.seq).toBe(seq);
      expect(["archive_missing", "archive_set_back"]).toContain(refused?.code);
    });
  }

  it("an object that is half written is refused", async () => {
    const domainId = await archivedDomain(21);
    const whole = await (await env.LOG.get(segmentKey(domainId, 8)))!.arrayBuffer();
    await env.LOG.put(segmentKey(domainId, 8), whole.slice(0, whole.byteLength / 2));
    await wipeLedger(domainId);
    expect(await restore(domainId)).toMatchObject({ refused: { code: "archive_damaged", seq: 8 } });
  });

  it("another log's bucket is refused", async () => {
    const [domainId, other] = [await archivedDomain(5), await archivedDomain(5)];
    const foreign = await env.LOG.get(segmentKey(other, 0));
    const { customMetadata = {} } = foreign!;
    await env.LOG.put(segmentKey(domainId, 0), await foreign!.arrayBuffer(), { customMetadata });
    await wipeLedger(domainId);
    expect(await restore(domainId)).toMatchObject({ refused: { code: "archive_foreign", seq: 0 } });
  });

  it("`until` is refused: a log that lives ends where it ends", async () => {
    const domainId = await archivedDomain(5);
    expect(await restore(domainId, { seq: 3, atMs: null })).toMatchObject({ refused: { code: "log_lives" } });
  });
});

describe("a restore that is disturbed", () => {
  const FAULTS: Record<FaultForm, number[]> = { lost: [1, 2, 3], answer_lost: [1] };
  for (const form of FAULT_FORMS) {
    for (const times of FAULTS[form]) {
      it(`an insert that fails (${form}, ${times} in a row) leaves no gap and writes nothing twice`, async () => {
        const domainId = await archivedDomain(21);
        const before = await rowsIn(domainId);
        await wipeLedger(domainId);
        let failed = () => 0;
        await breakRestore(domainId, (deps) => {
          const faulty = withFault(deps.ledger([{ fromSeq: 0, shard: "LEDGER_00" }]), {
            method: "insert",
            form,
            times,
          });
          failed = faulty.failed;
          return { ledger: () => faulty.store };
        });
        await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
        // The keeper's own alarm may come between.
        while (failed() < times) await turn(domainId).catch(() => undefined);
        expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22 });
        expect(failed()).toBe(times);
        expect(await rowsIn(domainId)).toEqual(before);
        await expectWholeLog(domainId);
      });
    }
  }

  it("R2 that is away changes nothing: the restore goes on when it answers", async () => {
    const domainId = await archivedDomain(21);
    await wipeLedger(domainId);
    await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
    await breakRestore(domainId, (deps) => ({
      segments: withFault(deps.segments, { method: "get", form: "lost", times: 30 }).store,
    }));
    await expect(turn(domainId)).rejects.toThrow();
    await evictKeeper(domainId);
    expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22 });
    await expectWholeLog(domainId);
  });

  it("S4-9 keeper and log killed after every insert: the restore goes on where D1 is", async () => {
    const domainId = await archivedDomain(21);
    const before = await rowsIn(domainId);
    await wipeLedger(domainId);
    await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
    for (let kill = 0; kill < 5; kill++) {
      await breakRestore(domainId, (deps) => ({
        ledger: (ranges) => {
          const store = deps.ledger(ranges);
          return new Proxy(store, {
            get(target, name) {
              if (name !== "insert") return (Reflect.get(target, name) as () => unknown).bind(target);
              return async (...[rows, base, sealed]: Parameters<typeof store.insert>) => {
                await store.insert(rows.slice(0, 3), base, sealed);
                throw new Error("killed");
              };
            },
          });
        },
      }));
      await turn(domainId).catch(() => undefined);
      await evictKeeper(domainId);
      await evictDurableObject(stubOf(domainId)).catch(notRunning);
    }
    expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22 });
    expect(await rowsIn(domainId)).toEqual(before);
    await expectWholeLog(domainId);
  });

  const STEPS = {
    "the comparison": "packed",
    "the index": "rebuildIndex",
    "the last record": "tell",
  } as const;
  for (const [step, method] of Object.entries(STEPS)) {
    for (const form of FAULT_FORMS) {
      it(`S4-9 the keeper killed in ${step} (${form}) ends the restore once, with every row compared`, async () => {
        await ensurePlatform();
        const domainId = await archivedDomain(21);
        const before = await rowsIn(domainId);
        await wipeLedger(domainId);
        let failed = () => 0;
        await breakRestore(domainId, (deps) => {
          if (method === "packed") {
            const faulty = withFault(deps.ledger([{ fromSeq: 0, shard: "LEDGER_00" }]), { method, form, times: 1 });
            failed = faulty.failed;
            return { ledger: () => faulty.store };
          }
          const faulty = withFault(deps, { method, form, times: 1 });
          failed = faulty.failed;
          if (method === "rebuildIndex") return { rebuildIndex: faulty.store.rebuildIndex };
          return { tell: (action, record) => (action === "log.restored" ? faulty.store : deps).tell(action, record) };
        });
        await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
        while (failed() < 1) await turn(domainId).catch(() => undefined);
        await evictKeeper(domainId);
        let view = await keeperOf(domainId).restoring.view();
        for (; view?.endedAtMs === null; view = await keeperOf(domainId).restoring.view()) await turn(domainId);
        expect(view).toMatchObject({ phase: "done", inserted: 22, compared: 22 });
        expect(await rowsIn(domainId)).toEqual(before);
        const told = (await restoresTold(domainId)).filter((action) => action === "log.restored");
        expect(told).toEqual(["log.restored"]);
        await append(domainId, event(), { waitForCopy: true });
        await expectWholeLog(domainId);
      });
    }
  }

  it("two at once are one", async () => {
    const domainId = await archivedDomain(21);
    const before = await rowsIn(domainId);
    await wipeLedger(domainId);
    const views = await Promise.all([restore(domainId), restore(domainId)]);
    expect(views.map(({ phase }) => phase)).toEqual(["done", "done"]);
    expect(await rowsIn(domainId)).toEqual(before);
  });

  it("the log's own copier, which fills D1 as well, and the restore do not disturb each other", async () => {
    const domainId = await archivedDomain(21);
    const before = await rowsIn(domainId);
    await wipeLedger(domainId);
    await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
    await evictDurableObject(stubOf(domainId));
    await Promise.all([restore(domainId), append(domainId, [event(), event()])]);
    await archiveAll(domainId);
    expect((await rowsIn(domainId)).slice(0, 22)).toEqual(before);
    await expectWholeLog(domainId);
  });

  it("D1 that loses rows again meanwhile is filled from where it is", async () => {
    const domainId = await archivedDomain(21);
    const before = await rowsIn(domainId);
    await wipeLedger(domainId, 15);
    await keeperOf(domainId).restoring.begin({ by: BY, until: WHOLE, isDrill: false });
    await wipeLedger(domainId, 5);
    expect(await restore(domainId)).toMatchObject({ phase: "done", compared: 22 });
    expect(await rowsIn(domainId)).toEqual(before);
  });
});

/** What the platform's log says of restores of a log, oldest first. */
async function restoresTold(domainId: string): Promise<string[]> {
  const platform = platformDomainId(jurisdiction);
  await logOf(platform).flush();
  return (await rowsIn(platform))
    .map(({ payload }) => JSON.parse(payload))
    .filter(({ targets }) => targets?.[0]?.id === domainId)
    .map(({ action }) => action);
}

/** It has no work of its own, so it may have gone by itself. */
function notRunning(error: Error): void {
  expect(error.message).toContain("not currently running");
}
