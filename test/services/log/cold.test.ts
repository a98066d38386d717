/** Reading over hot and archived entries, against stores in memory. With the real ones: test/http/archived-reads.cell.test.ts. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { EVERYTHING } from "../../../src/core/query/filter.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { findCold } from "../../../src/services/log/cold/find.ts";
import type { Floors } from "../../../src/services/log/cold/floors.ts";
import { ColdSegments } from "../../../src/services/log/cold/segments.ts";
import { WholeLedger } from "../../../src/services/log/cold/whole-ledger.ts";
import type { EntryRow, LedgerStore, SegmentStore } from "../../../src/services/ports.ts";
import { rowsFromGenesis } from "../../verifier/proved-log.ts";

const ROWS = rowsFromGenesis(120);
type Held = Map<number, NonNullable<Awaited<ReturnType<SegmentStore["get"]>>>>;

/** Segments of these sizes, again and again. */
function archive(sizes: readonly number[], until = ROWS.length) {
  const held: Held = new Map();
  for (let at = 0, i = 0; at < until; i++) {
    const rows = ROWS.slice(at, Math.min(until, at + (sizes[i % sizes.length] as number)));
    const [first, last] = [rows[0] as EntryRow, rows.at(-1) as EntryRow];
    const hashes = { prevHash: first.prevHash, lastHash: last.entryHash, sha256: "0".repeat(64) };
    held.set(at, {
      head: { firstSeq: at, count: rows.length, ...hashes },
      payloads: rows.map(({ payload }) => payload),
    });
    at += rows.length;
  }
  const got: number[] = [];
  const store = {
    get: async (seq: number) => (got.push(seq), held.get(seq) ?? null),
    list: async (from: number, limit: number) =>
      [...held.keys()]
        .filter((seq) => seq >= from)
        .sort((a, b) => a - b)
        .slice(0, limit),
  };
  return { held, got, store };
}

function hotFrom(firstHot: number) {
  const rows: LedgerStore["rows"] = async ({ fromSeq, toSeq, limit, descending }) => {
    const found = ROWS.filter(({ seq }) => seq >= Math.max(fromSeq, firstHot) && seq <= toSeq);
    return (descending ? found.reverse() : found).slice(0, limit);
  };
  const rowsAt = async (seqs: readonly number[], descending?: boolean) => {
    const found = ROWS.filter(({ seq }) => seq >= firstHot && seqs.includes(seq));
    return descending ? found.reverse() : found;
  };
  return { rows, rowsAt };
}

const wholeOf = (floors: Floors, segments: ColdSegments) =>
  new WholeLedger({ hot: hotFrom(floors.firstHot), floors: async () => floors, segments });

describe("rows over hot and archived entries", () => {
  test("S4-2 are those of the log from the first that is kept on, wherever the borders and segments lie", async () => {
    const place = fc.integer({ min: 0, max: ROWS.length });
    const range = fc.record({
      fromSeq: place,
      toSeq: place,
      limit: fc.integer({ min: 1, max: 130 }),
      descending: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        place,
        place,
        range,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
        async (a, b, wanted, sizes) => {
          const floors = { firstHot: Math.max(a, b), firstKept: Math.min(a, b) };
          const whole = wholeOf(floors, new ColdSegments(archive(sizes).store, sha256));
          const kept = ROWS.filter(
            ({ seq }) => seq >= Math.max(floors.firstKept, wanted.fromSeq) && seq <= wanted.toSeq,
          );
          const expected = wanted.descending ? kept.reverse() : kept;
          const seen: EntryRow[] = [];
          let next = wanted;
          for (;;) {
            const { rows, cut } = await whole.page(next);
            seen.push(...rows);
            const last = rows.at(-1);
            if (!last || (!cut && rows.length < next.limit)) break;
            next = wanted.descending ? { ...next, toSeq: last.seq - 1 } : { ...next, fromSeq: last.seq + 1 };
            if (next.fromSeq > next.toSeq) break;
          }
          expect(seen).toEqual(expected);
          const seqs = [...new Set([a, b, wanted.fromSeq, wanted.toSeq])]
            .filter((seq) => seq < ROWS.length)
            .sort((x, y) => x - y);
          expect(await whole.rowsAt(seqs)).toEqual(
            seqs.filter((seq) => seq >= floors.firstKept).map((seq) => ROWS[seq]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("cost what is hot alone while the copy has the first row: nobody asks where it begins", async () => {
    let asked = 0;
    const { store, got } = archive([8]);
    const floors = async () => (asked++, { firstHot: 50, firstKept: 0 });
    const whole = new WholeLedger({ hot: hotFrom(50), floors, segments: new ColdSegments(store, sha256) });
    await whole.page({ fromSeq: 60, toSeq: 90, limit: 10 });
    expect([asked, got]).toEqual([0, []]);
  });

  test("of one page read a bounded number of objects, and say that there is more", async () => {
    const { store, got } = archive([1]);
    const whole = wholeOf({ firstHot: 100, firstKept: 0 }, new ColdSegments(store, sha256));
    const { rows, cut } = await whole.page({ fromSeq: 0, toSeq: 99, limit: 100 });
    expect([rows.length, cut]).toEqual([LIMITS.coldPageSegments, true]);
    expect(got.length).toBeLessThanOrEqual(LIMITS.coldPageSegments + 1);
    expect(await whole.rowsAt(ROWS.slice(0, 90).map(({ seq }) => seq))).toEqual(ROWS.slice(0, LIMITS.coldPageSegments));
  });

  test("that the archive has lost, or holds damaged, are never left out in silence", async () => {
    const floors = { firstHot: 100, firstKept: 0 };
    for (const harm of [
      (held: Held) => held.delete(16),
      (held: Held) => (held.get(16) as { payloads: string[] }).payloads.splice(2, 1),
      (held: Held) => ((held.get(16) as { payloads: string[] }).payloads[3] = ROWS[40]?.payload as string),
    ]) {
      const { held, store } = archive([8]);
      harm(held);
      const whole = wholeOf(floors, new ColdSegments(store, sha256));
      const code = { code: "storage.unavailable" };
      await expect(whole.page({ fromSeq: 10, toSeq: 40, limit: 100 })).rejects.toMatchObject(code);
      await expect(whole.page({ fromSeq: 10, toSeq: 40, limit: 100, descending: true })).rejects.toMatchObject(code);
      await expect(whole.rowsAt([3, 19])).rejects.toMatchObject(code);
      await expect(whole.bySeq(19)).rejects.toMatchObject(code);
    }
  });
});

describe("the segments that are held", () => {
  test("are read once for the pages of one walk, and never grow past their bound but for the last", async () => {
    const { store, got } = archive([8]);
    const oneChars = ROWS.slice(0, 8).reduce((sum, { payload }) => sum + payload.length, 0);
    const segments = new ColdSegments(store, sha256, 3 * oneChars);
    const whole = wholeOf({ firstHot: 120, firstKept: 0 }, segments);
    for (let fromSeq = 0; fromSeq < 120; fromSeq += 2) {
      await whole.page({ fromSeq, toSeq: fromSeq + 1, limit: 2 });
      expect(segments.heldChars).toBeLessThanOrEqual(3 * oneChars);
    }
    expect(got).toEqual([...new Set(got)]);
    const tiny = new ColdSegments(archive([8]).store, sha256, 1);
    expect((await tiny.holding(5))?.rows).toHaveLength(8);
    expect((await tiny.holding(15))?.firstSeq).toBe(8);
    expect(tiny.heldChars).toBeGreaterThan(1);
  });

  test("are asked for once by readers at the same time", async () => {
    const { store, got } = archive([8]);
    const segments = new ColdSegments(store, sha256);
    await Promise.all([segments.holding(1), segments.holding(2), segments.holding(3)]);
    expect(got).toEqual([0]);
  });
});

describe("looking for archived entries", () => {
  const words = { ...EVERYTHING, clauses: [{ field: "action" as const, anyOf: ["document.read"], not: false }] };

  test("finds each that matches once, in both orders, in bounded pieces that go on", async () => {
    const matching = ROWS.slice(5, 111)
      .filter(({ seq }) => seq > 0)
      .map(({ seq }) => seq);
    for (const descending of [false, true]) {
      const { store } = archive([1, 3]);
      const segments = new ColdSegments(store, sha256);
      const seen: number[] = [];
      let range = { fromSeq: 5, toSeq: 110, descending };
      for (let calls = 0; ; calls++) {
        const { rows, next, looked } = await findCold(words, range, 7, segments);
        expect(rows.length).toBeLessThanOrEqual(7);
        expect(looked).toBeLessThanOrEqual(3 * LIMITS.coldFindSegments);
        seen.push(...rows.map(({ seq }) => seq));
        if (next === null) break;
        range = descending ? { ...range, toSeq: next } : { ...range, fromSeq: next };
        expect(calls).toBeLessThan(100);
      }
      expect(seen).toEqual(descending ? [...matching].reverse() : matching);
    }
  });

  test("ends at the first entry that was recorded before the time that is asked for, newest first", async () => {
    const afterMs = Date.UTC(2027, 0, 1);
    const { store, got } = archive([8]);
    const segments = new ColdSegments(store, sha256);
    const found = await findCold({ ...words, afterMs }, { fromSeq: 0, toSeq: 119, descending: true }, 10, segments);
    expect(found).toMatchObject({ rows: [], next: null, looked: 1 });
    expect(got.length).toBeLessThanOrEqual(2);
  });

  test("that meets a segment that is lost fails, and does not say that it looked through", async () => {
    const { held, store } = archive([8]);
    held.delete(32);
    const look = async () => {
      const segments = new ColdSegments(store, sha256);
      let next: number | null = 0;
      while (next !== null)
        ({ next } = await findCold(words, { fromSeq: next, toSeq: 119, descending: false }, 100, segments));
    };
    await expect(look()).rejects.toMatchObject({ code: "storage.unavailable" });
  });
});
