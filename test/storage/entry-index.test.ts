/** Part 5 of the query: what the index yields, put together from pages, is what looking at every entry finds. */
import { describe, expect, it } from "vitest";
import { type EntryFilter, EVERYTHING } from "../../src/core/query/filter.ts";
import { withLimits } from "../support/tamper.ts";
import {
  BEGAN_MS,
  expected,
  indexAll,
  indexOf,
  payloadOf,
  randomFilter,
  randomFrom,
  readAll,
  storedDomain,
} from "./support/indexed.ts";

const ONE = [{ fromSeq: 0, shard: "LEDGER_00" }];
const TWO = [
  { fromSeq: 0, shard: "LEDGER_00" },
  { fromSeq: 90, shard: "LEDGER_01" },
];
const DAY_MS = 86_400_000;

describe.each([
  ["one shard", ONE],
  ["two shards", TWO],
])("the index over %s", (_, ranges) => {
  it.each([
    ["wide windows", {}],
    ["windows of a few postings", { queryScan: 7, queryScanOfTerm: 2 }],
  ])("finds every entry that matches exactly once and in order, in pages of any size and %s", async (_name, limits) => {
    const random = randomFrom(20_261_121);
    const { rows, deps, index } = await storedDomain(200, random, ranges);
    expect(await indexAll(deps)).toBe(200);
    let found = 0;
    await withLimits(limits, async () => {
      for (let i = 0; i < 30; i++) {
        const filter = randomFilter(random);
        const order = random(2) === 0 ? "asc" : "desc";
        const limit = [2, 7, 20, 250][random(4)] as number;
        const { seqs } = await readAll(index, filter, order, limit);
        expect(seqs, JSON.stringify({ filter, order, limit })).toEqual(expected(rows, filter, order));
        found += seqs.length;
      }
    });
    expect(found).toBeGreaterThan(500);
  });

  it("counts what matches, and says when it stopped", async () => {
    const random = randomFrom(7);
    const { rows, deps, index } = await storedDomain(200, random, ranges);
    await indexAll(deps);
    for (let i = 0; i < 30; i++) {
      const filter = randomFilter(random);
      const count = expected(rows, filter, "asc").length;
      expect(await index.count(filter, 1000), JSON.stringify(filter)).toEqual({
        count,
        exact: true,
        size: 200,
        from: 0,
      });
    }
    expect(await index.count(EVERYTHING, 150)).toEqual({ count: 150, exact: false, size: 200, from: 0 });
    await withLimits({ countScan: 20, queryScanOfTerm: 20 }, async () => {
      const { count, exact } = await index.count(EVERYTHING, 1000);
      expect(exact).toBe(false);
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(40);
    });
  });

  it("sums days up by action, actor, outcome and category", async () => {
    const random = randomFrom(11);
    const { rows, deps, index } = await storedDomain(200, random, ranges);
    await indexAll(deps);
    const [fromDay, toDay] = [Math.floor(BEGAN_MS / DAY_MS), Math.floor(BEGAN_MS / DAY_MS) + 1];
    const inside = rows.map(payloadOf).filter(({ occurred_at }) => {
      const day = Math.floor(Date.parse(String(occurred_at)) / DAY_MS);
      return day >= fromDay && day <= toDay;
    });
    const counted = new Map<string, number>();
    for (const { action } of inside) counted.set(action, (counted.get(action) ?? 0) + 1);
    const tallies = await index.tallies({ fromDay, toDay }, ["action", "outcome", "actor"], 3);
    expect(tallies.exact).toBe(true);
    expect(tallies.size).toBe(200);
    const most = [...counted].map(([value, count]) => ({ value, count }));
    most.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
    expect(tallies.kinds.action).toEqual(most.slice(0, 3));
    expect(tallies.days.map(({ day }) => day)).toEqual([fromDay, toDay]);
    expect(tallies.days.reduce((sum, { count }) => sum + count, 0)).toBe(inside.length);
    const ofTwo = await index.tallies({ fromDay, toDay }, ["actor"], 100);
    expect(ofTwo.kinds.actor?.reduce((sum, { count }) => sum + count, 0)).toBe(inside.length);
    expect(ofTwo.kinds.actor?.map(({ value }) => value)).toContain("anonymous");
    await withLimits({ tallyRows: 2 }, async () => {
      expect((await index.tallies({ fromDay, toDay }, ["action"], 3)).exact).toBe(false);
    });
  });
});

describe("a page of the index", () => {
  it("ends early when its payloads are large, and goes on behind its last row", async () => {
    const random = randomFrom(3);
    const { rows, deps, index } = await storedDomain(60, random, [
      { fromSeq: 0, shard: "LEDGER_00" },
      { fromSeq: 30, shard: "LEDGER_01" },
    ]);
    await indexAll(deps);
    const filter: EntryFilter = { ...EVERYTHING, clauses: [{ field: "actor", anyOf: ["anonymous"], not: true }] };
    await withLimits({ pageChars: 1500 }, async () => {
      for (const order of ["asc", "desc"] as const) {
        const { seqs, pages } = await readAll(index, filter, order, 50);
        expect(seqs).toEqual(expected(rows, filter, order));
        expect(pages).toBeGreaterThanOrEqual(10);
      }
    });
  });

  it("has rows of its own domain only, however the index is edited", async () => {
    const random = randomFrom(5);
    const [mine, other] = [await storedDomain(20, random), await storedDomain(40, random)];
    await indexAll(mine.deps);
    await indexAll(other.deps);
    // Whoever can write to D1 files the places of the other domain under this one's number, and under each of its terms.
    const { LEDGER_00 } = (await import("./support/indexed.ts")).shards;
    const number = "(SELECT number FROM audit_index WHERE domain_id = ?1)";
    await (LEDGER_00 as D1Database)
      .prepare(
        `INSERT OR IGNORE INTO audit_posting SELECT ${number}, mine.term, others.at, others.seq
          FROM (SELECT DISTINCT term FROM audit_posting WHERE number = ${number}) AS mine,
               (SELECT DISTINCT at, seq FROM audit_posting
                 WHERE number = (SELECT number FROM audit_index WHERE domain_id = ?2)) AS others`,
      )
      .bind(mine.domainId, other.domainId)
      .run();
    const { seqs } = await readAll(mine.index, EVERYTHING, "asc", 7);
    expect(seqs).toEqual(expected(mine.rows, EVERYTHING, "asc"));
    const page = await mine.index.page(EVERYTHING, { order: "asc", after: null }, 1000);
    for (const row of page.rows) expect(payloadOf(row).domain).toBe(mine.domainId);
  });

  it("goes on behind its cursor while entries are appended: none comes twice, and later ones are found", async () => {
    const random = randomFrom(13);
    const { domainId, rows, deps, ranges } = await storedDomain(120, random);
    const index = indexOf(domainId, ranges);
    await withLimits({ indexRows: 40, queryScan: 5, queryScanOfTerm: 2 }, async () => {
      const { indexStep } = await import("../../src/services/query/index-step.ts");
      await indexStep(deps);
      const seqs: number[] = [];
      let after = null;
      do {
        const page = await index.page(EVERYTHING, { order: "asc", after }, 6);
        seqs.push(...page.rows.map(({ seq }) => seq));
        after = page.scannedTo;
        await indexStep(deps);
      } while (after !== null);
      expect(new Set(seqs).size).toBe(seqs.length);
      const first = expected(rows.slice(0, 40), EVERYTHING, "asc");
      expect(seqs.filter((seq) => seq < 40)).toEqual(first);
      expect(seqs.length).toBeGreaterThan(40);
    });
  });

  it("says how far it looked, tells who is behind, and is empty for a domain without an index", async () => {
    const { domainId, deps, ranges } = await storedDomain(30, randomFrom(17));
    let told = 0;
    const index = indexOf(domainId, ranges, () => told++);
    expect(await index.page(EVERYTHING, { order: "asc", after: null }, 10)).toEqual({
      rows: [],
      scannedTo: null,
      size: 0,
      from: 0,
    });
    expect(told).toBe(1);
    await indexAll(deps);
    expect(await index.size()).toBe(30);
    expect(told).toBe(1);
  });
});
