/**
 * The fault matrix (F2 to F5) over the strict doubles: every call that append, copy, archive and start-up make to a store,
 * failed and not persisted or failed but persisted, once or twice in a row. After each: recomputed as a whole, and gone on
 * with the same and with another size.
 *
 * | Step | Here | On the real stores |
 * | --- | --- | --- |
 * | create: root read | yes | test/http/tenancy-faults.cell.test.ts |
 * | start: guards, newest row, segments listed, segment read | yes | test/durable-objects/start.test.ts, copy.test.ts |
 * | append: root read | yes | |
 * | append: forgotten ids asked of D1; receipts from D1 and from the archive | yes | test/durable-objects/append.test.ts |
 * | append: the object's own transaction | all or nothing; crashes at each write in the simulation | append.test.ts |
 * | copy: insert; newest row read back; refill from the archive | yes | copy.test.ts, start.test.ts, shards.test.ts |
 * | archive: put; read back | yes | archive.test.ts |
 * | release: the object's own delete | crashes in the simulation | archive.test.ts |
 */
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import type { StoreName } from "./support/network.ts";
import { type Fault, ObjectBench } from "./support/object-bench.ts";

interface Step {
  name: string;
  store: StoreName;
  method: string;
  /** Makes everything before the step. */
  arrange?(bench: ObjectBench): Promise<void>;
  /** Does what makes the call. */
  act(bench: ObjectBench): Promise<unknown>;
  /** A second fault that leads to the step at all. */
  after?: Omit<Fault, "times">;
}

const SEGMENT_ENTRIES = 3;
const DAY_MS = 86_400_000;

const drained = async (bench: ObjectBench, count: number, ids: string[] = []) => {
  await bench.append(count, ids);
  await bench.alarms();
};
const twice = async (bench: ObjectBench) => {
  await drained(bench, 4);
  await drained(bench, 3);
};
const start = async (bench: ObjectBench) => {
  bench.restart();
  await bench.append(2);
  await bench.alarms();
};
/** A segment is stored, and the object does not know it. */
const putUnknown = async (bench: ObjectBench) => {
  await bench.append(5);
  bench.breaks({ store: "segments", method: "get", form: "lost", times: 1 });
  bench.nowMs += 1000;
  await bench.ring();
};
const restored = async (bench: ObjectBench) => {
  await drained(bench, 7);
  bench.domain.ledger.restoreTo(2);
};
/** Event ids of which the object has forgotten some. */
const forgotten = async (bench: ObjectBench) => {
  await drained(bench, 3, ["old"]);
  bench.nowMs += (LIMITS.idempotencyDays + 40) * DAY_MS;
  await bench.alarms();
};
const replayOf = (body: string) => (bench: ObjectBench) => bench.send(body, "replayed");
const BODY = JSON.stringify([{ action: "document.read", actor: { type: "service", id: "svc" } }]);

const STEPS: Step[] = [
  { name: "create: the tenant's root is read", store: "roots", method: "get", act: (bench) => bench.create() },
  { name: "start: the guards are asked for", store: "ledger", method: "missingGuards", act: start },
  { name: "start: the newest row is read", store: "ledger", method: "tip", act: start },
  { name: "start: the segments are listed", store: "segments", method: "list", act: start },
  {
    name: "start: a segment beyond `archived` is read",
    store: "segments",
    method: "get",
    arrange: putUnknown,
    act: start,
  },
  {
    name: "start: a ledger that was set back is found",
    store: "segments",
    method: "list",
    arrange: restored,
    act: start,
  },
  { name: "append: the tenant's root is read", store: "roots", method: "get", act: start },
  {
    name: "append: forgotten ids are asked of the ledger",
    store: "ledger",
    method: "seqsOf",
    arrange: forgotten,
    act: (bench) => drained(bench, 2, ["new"]),
  },
  {
    name: "append: the receipts of a replay are read from the ledger",
    store: "ledger",
    method: "rows",
    arrange: async (bench) => {
      await bench.send(BODY, "replayed");
      await bench.alarms();
    },
    act: replayOf(BODY),
  },
  ...(["list", "get"] as const).map(
    (method): Step => ({
      name: `append: the receipts of a replay are read from the archive (${method})`,
      store: "segments",
      method,
      arrange: async (bench) => {
        await bench.send(BODY, "replayed");
        await bench.alarms();
        bench.domain.ledger.restoreTo(0, false);
      },
      act: async (bench) => {
        await replayOf(BODY)(bench);
        await start(bench);
      },
    }),
  ),
  { name: "copy: rows are inserted", store: "ledger", method: "insert", act: twice },
  ...(["lost", "answer_lost"] as const).map(
    (form): Step => ({
      name: `copy: the newest row is read back after an insert (${form})`,
      store: "ledger",
      method: "tip",
      after: { store: "ledger", method: "insert", form },
      act: twice,
    }),
  ),
  ...(["list", "get"] as const).map(
    (method): Step => ({
      name: `copy: rows for a ledger that was set back are read from the archive (${method})`,
      store: "segments",
      method,
      arrange: restored,
      act: (bench) => drained(bench, 4),
    }),
  ),
  { name: "archive: a segment is put", store: "segments", method: "put", act: (bench) => drained(bench, 4) },
  { name: "archive: a segment is read back", store: "segments", method: "get", act: (bench) => drained(bench, 4) },
];

const FORMS = ["lost", "answer_lost"] as const;

describe.each(STEPS)("$name", (step) => {
  for (const form of FORMS) {
    for (const times of [1, 2]) {
      it(`fails (${form}, ${times} in a row): nothing is lost or doubled, and the log goes on`, async () => {
        const bench = new ObjectBench(SEGMENT_ENTRIES);
        const creates = step.name.startsWith("create");
        if (!creates) {
          await bench.create();
          await drained(bench, 2);
        }
        await step.arrange?.(bench);
        if (step.after) bench.breaks({ ...step.after, times }, { store: step.store, method: step.method, form, times });
        else bench.breaks({ store: step.store, method: step.method, form, times });
        await step.act(bench);
        await bench.alarms();
        expect(bench.failed).toBe(times);
        await bench.verify();
        for (const count of [4, 4, 1, 9]) {
          await drained(bench, count);
          await bench.verify();
        }
      });
    }
  }
});
