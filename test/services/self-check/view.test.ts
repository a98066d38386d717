import { describe, expect, test } from "vitest";
import type { HeadResult } from "../../../src/services/log/calls.ts";
import { CHECK_NAMES, type CheckName } from "../../../src/services/self-check/checks.ts";
import { type CheckRecord, fromStored, newRecord, setState, settle } from "../../../src/services/self-check/record.ts";
import { healthView } from "../../../src/services/self-check/view.ts";

const INTERVAL_MS = 3_600_000;
const START_MS = Date.parse("2026-11-20T10:00:00.000Z");
const head: HeadResult = {
  ...{ size: 8, entryHash: "", recordedAt: "", genesis: "", copiedSize: 8, archivedSize: 8, firstHot: 0, firstKept: 0 },
  ...{ signedSize: 8, mirroredSize: 8, witnesses: [], backlogEntries: 0, backlogBytes: 0 },
  ...{ oldestUncopiedAt: null, oldestUnarchivedAt: null, stoppedReason: null, shards: [] },
};
const nothing = { ledger: 0, archive: 0, mirror: 0 };

/** A run that looks at everything but `without`. */
function run(record: CheckRecord, startedMs: number, without: readonly CheckName[] = []): void {
  for (const name of CHECK_NAMES) if (!without.includes(name)) setState(record, name, "ok", startedMs);
  record.last = { startedMs, endedMs: startedMs + 1000, read: nothing, sampled: nothing, tookMs: nothing };
}

const viewAt = (record: CheckRecord, nowMs: number) =>
  healthView(record, head, { nowMs, intervalMs: INTERVAL_MS, nextMs: null });
const checkAt = (record: CheckRecord, nowMs: number, name: CheckName) =>
  viewAt(record, nowMs).checks.find((check) => check.name === name);

describe("S0-32 a check is `ok` only while somebody looks", () => {
  test("one that run after run leaves out is unknown after two intervals, since its last look; the others are as they are", () => {
    const record = newRecord(START_MS, START_MS);
    run(record, START_MS);
    expect(viewAt(record, START_MS + 1000).state).toBe("ok");
    for (const hour of [1, 2, 3]) run(record, START_MS + hour * INTERVAL_MS, ["guards"]);
    const atMs = START_MS + 3 * INTERVAL_MS + 1000;
    expect(checkAt(record, atMs, "guards")).toMatchObject({
      state: "unknown",
      since: "2026-11-20T10:00:00.000Z",
      lastRunAt: "2026-11-20T10:00:00.000Z",
      note: "not looked at since 2026-11-20T10:00:00.000Z",
    });
    expect(checkAt(record, atMs, "clock")).toMatchObject({ state: "ok", note: null });
    expect(viewAt(record, atMs).state).toBe("unknown");
    run(record, atMs);
    expect(checkAt(record, atMs, "guards")).toMatchObject({ state: "ok", note: null });
    expect(viewAt(record, atMs).state).toBe("ok");
  });

  test("one that a single run left out is still what it was", () => {
    const record = newRecord(START_MS, START_MS);
    run(record, START_MS);
    run(record, START_MS + INTERVAL_MS, ["guards"]);
    const atMs = START_MS + 2 * INTERVAL_MS;
    expect(checkAt(record, atMs, "guards")?.state).toBe("ok");
    expect(checkAt(record, atMs + 1, "guards")?.state).toBe("unknown");
  });

  test("a run that takes long has looked, however long ago it began", () => {
    const record = newRecord(START_MS, START_MS);
    run(record, START_MS);
    if (record.last) record.last.endedMs = START_MS + 5 * INTERVAL_MS;
    expect(viewAt(record, START_MS + 5 * INTERVAL_MS).state).toBe("ok");
  });

  test("a self-check that stands still knows nothing of any check", () => {
    const record = newRecord(START_MS, START_MS);
    run(record, START_MS);
    const { state, checks } = viewAt(record, START_MS + 2 * INTERVAL_MS + 1001);
    expect(state).toBe("unknown");
    expect(new Set(checks.map((check) => check.state))).toEqual(new Set(["unknown"]));
  });

  test("what is bad stays bad, however long nobody has looked", () => {
    const record = newRecord(START_MS, START_MS);
    run(record, START_MS);
    settle(record, "ledger", [{ check: "ledger", store: "ledger", fault: "row_missing", seq: 3, place: 3 }], START_MS);
    for (const hour of [1, 2, 3]) run(record, START_MS + hour * INTERVAL_MS, ["ledger"]);
    const atMs = START_MS + 3 * INTERVAL_MS + 1000;
    expect(checkAt(record, atMs, "ledger")).toMatchObject({ state: "bad", note: null });
    expect(viewAt(record, atMs).state).toBe("bad");
  });

  test("before the first run every check says that nobody has ever looked", () => {
    const { checks } = healthView(null, head, { nowMs: START_MS, intervalMs: INTERVAL_MS, nextMs: null });
    expect(new Set(checks.map(({ state, note }) => `${state}: ${note}`))).toEqual(
      new Set(["unknown: never looked at"]),
    );
  });
});

test("what an earlier version stored has no entries that wait; what this one stored is as it was", () => {
  const { waiting, dropped, refusal, ...older } = newRecord(START_MS, START_MS);
  expect(fromStored(older)).toEqual({ ...older, waiting, dropped, refusal });
  const event = {
    action: "integrity.violation" as const,
    actor: { type: "system" as const, id: "system:moonseal" as const },
  };
  const newer = { ...older, waiting: [{ event, key: "k" }], dropped: 3, refusal: { code: "backlog.full", dropped: 3 } };
  expect(fromStored(newer)).toEqual(newer);
  expect(viewAt(fromStored(newer), START_MS).unrecorded).toEqual({ waiting: 1, dropped: 3, code: "backlog.full" });
});
