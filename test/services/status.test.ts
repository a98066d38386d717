import { describe, expect, it } from "vitest";
import { rangesWithin, rollOver, shardWithRoom } from "../../src/core/shards.ts";
import { cellStatus } from "../../src/services/status.ts";

const HOUR = 3_600_000;
const seen = { domains: 1, entries: 0, backlogEntries: 0, backlogBytes: 0, oldestUncopiedAt: null, stopped: [] };

describe("the capacity gauge", () => {
  const statusAt = (bytes: number, samples: { atMs: number; bytes: number }[] = [], entries = 0) =>
    cellStatus(
      [{ shard: "LEDGER_00", bytes }],
      samples.map((sample) => ({ shard: "LEDGER_00", ...sample })),
      { ...seen, entries },
      1000,
      24 * HOUR,
    ).shards[0];

  it("warns from 70 % of the limit on", () => {
    expect(statusAt(699)?.warning).toBe(false);
    expect(statusAt(700)?.warning).toBe(true);
  });

  it("counts entries left by the size of those that are there, and says nothing of too few", () => {
    expect(statusAt(500, [], 999)?.entriesLeft).toBeNull();
    expect(statusAt(500, [], 1000)?.entriesLeft).toBe(1000);
    expect(statusAt(2000, [], 1000)?.entriesLeft).toBe(0);
  });

  it("counts days left by the growth since the oldest sample, and says nothing without growth or a sample of an hour", () => {
    expect(statusAt(500)?.daysLeft).toBeNull();
    expect(statusAt(500, [{ atMs: 23.5 * HOUR, bytes: 100 }])?.daysLeft).toBeNull();
    expect(statusAt(500, [{ atMs: 0, bytes: 500 }])?.daysLeft).toBeNull();
    expect(
      statusAt(500, [
        { atMs: 12 * HOUR, bytes: 400 },
        { atMs: 0, bytes: 250 },
      ])?.daysLeft,
    ).toBe(2);
  });
});

describe("ranges over shards", () => {
  const ranges = [
    { fromSeq: 0, shard: "LEDGER_00" },
    { fromSeq: 10, shard: "LEDGER_01" },
    { fromSeq: 15, shard: "LEDGER_02" },
  ];

  it("every seq lies in exactly one range", () => {
    for (let from = 0; from < 20; from++) {
      for (let to = from; to < 20; to++) {
        const seqs = rangesWithin(ranges, from, to).flatMap((part) =>
          Array.from({ length: part.toSeq - part.fromSeq + 1 }, (_, i) => part.fromSeq + i),
        );
        expect(seqs).toEqual(Array.from({ length: to - from + 1 }, (_, i) => from + i));
      }
    }
  });

  it("a new range begins where the copy stands; one without entries is replaced", () => {
    expect(rollOver(ranges, 20, "LEDGER_03")).toEqual([...ranges, { fromSeq: 20, shard: "LEDGER_03" }]);
    expect(rollOver(ranges, 15, "LEDGER_03")).toEqual([...ranges.slice(0, 2), { fromSeq: 15, shard: "LEDGER_03" }]);
  });

  it("the emptiest shard with room that the domain was never in is taken, or none", () => {
    const gauges = ["LEDGER_00", "LEDGER_01", "LEDGER_02"].map((shard, i) => ({ shard, bytes: 100 - i }));
    expect(shardWithRoom(["LEDGER_02"], gauges, 101)).toBe("LEDGER_01");
    expect(shardWithRoom(["LEDGER_02"], gauges, 99)).toBeNull();
    // Its own entries there have others behind them by now: the ledger takes only the next one.
    expect(shardWithRoom(["LEDGER_01", "LEDGER_02"], gauges, 101)).toBe("LEDGER_00");
    expect(shardWithRoom(["LEDGER_00", "LEDGER_01", "LEDGER_02"], gauges, 101)).toBeNull();
  });
});
