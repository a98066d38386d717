/** Pages of a query over several domains, against an index that stops where it likes. The real index is behind test/http. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { EVERYTHING } from "../../../src/core/query/filter.ts";
import type { CandidateRow, EntryIndex, EntryOrder, EntryPlace, IndexFrom } from "../../../src/services/query/ports.ts";
import { comparePlaces, type MergedPlace, type QueryPlace, runQuery } from "../../../src/services/query/run.ts";

type Held = { at: number; seq: number; matches: boolean };

/**
 * An index as its port allows it to be: it looks at most at `stride` entries a call, shows all of them as candidates, and says
 * where it stopped.
 */
function indexOf(held: readonly Held[], stride: number): EntryIndex {
  return {
    async page(_filter, { order, after }: IndexFrom, limit) {
      const sign = order === "asc" ? 1 : -1;
      const compare = (a: EntryPlace, b: EntryPlace) => (a.at - b.at || a.seq - b.seq) * sign;
      const ahead = held.filter((entry) => after === null || compare(entry, after) > 0).toSorted(compare);
      const looked = ahead.slice(0, Math.min(stride, limit));
      const last = looked.at(-1);
      const scannedTo = last && looked.length < ahead.length ? { at: last.at, seq: last.seq } : null;
      return { rows: looked.map(rowOf), scannedTo, size: held.length, from: 0 };
    },
    count: () => Promise.reject(new Error("not asked")),
    tallies: () => Promise.reject(new Error("not asked")),
    size: async () => held.length,
  };
}

function rowOf({ at, seq, matches }: Held): CandidateRow {
  const payload = JSON.stringify({
    action: matches ? "wanted.yes" : "wanted.no",
    actor: { type: "anonymous" },
    outcome: "success",
    occurred_at: new Date(at).toISOString(),
  });
  return { seq, id: `${seq}`, prevHash: "", entryHash: "", payload, at } as CandidateRow;
}

const filter = { ...EVERYTHING, clauses: [{ field: "action" as const, anyOf: ["wanted.yes"], not: false }] };
const held = fc
  .array(fc.record({ at: fc.integer({ min: 0, max: 6 }), matches: fc.boolean() }), { maxLength: 25 })
  .map((entries) => entries.map((entry, seq): Held => ({ ...entry, seq })));

describe("pages of several domains, merged", () => {
  test("hold each entry that matches once, in order, however far the indexes look and while they grow", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ held, stride: fc.integer({ min: 1, max: 8 }) }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom<EntryOrder>("asc", "desc"),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 10 }),
        async (logs, order, limit, later) => {
          const names = logs.map((_, i) => `dom_${i}`);
          const place = (domainId: string, { at, seq }: EntryPlace): MergedPlace => ({ at, seq, domainId });
          const wanted = logs
            .flatMap((log, i) =>
              log.held.filter(({ matches }) => matches).map((entry) => place(names[i] as string, entry)),
            )
            .toSorted((a, b) => comparePlaces(a, b, order));
          const contents = logs.map((log) => [...log.held]);
          const seen: MergedPlace[] = [];
          let after: QueryPlace | null = null;
          do {
            const domains = names.map((domainId, i) => ({
              domainId,
              filter,
              index: indexOf(contents[i] as Held[], (logs[i] as { stride: number }).stride),
            }));
            const page = await runQuery(domains, order, after, limit);
            expect(page.rows.length).toBeLessThanOrEqual(limit);
            seen.push(...page.rows.map(({ domainId, at, row }) => place(domainId, { at, seq: row.seq })));
            after = page.next;
            const at = later.pop();
            const [first] = contents;
            if (at !== undefined && first) first.push({ at, seq: first.length, matches: true });
          } while (after !== null);
          const added = (found: MergedPlace) =>
            found.domainId === names[0] && found.seq >= (logs[0] as { held: Held[] }).held.length;
          expect(seen.filter((found) => !added(found))).toEqual(wanted);
          expect(seen).toEqual(seen.toSorted((a, b) => comparePlaces(a, b, order)));
          expect(new Set(seen.map((found) => JSON.stringify(found))).size).toBe(seen.length);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("many domains are asked for two pages together and not for one each: memory does not grow with their number", async () => {
    const asked: { rows: number; chars: number }[] = [];
    const domains = Array.from({ length: LIMITS.queryDomains }, (_, i) => {
      const index = indexOf([{ at: i, seq: 0, matches: true }], 10);
      const { page } = index;
      index.page = (of, from, rows, chars = LIMITS.pageChars) => {
        asked.push({ rows, chars });
        return page(of, from, rows);
      };
      return { domainId: `dom_${String(i).padStart(2, "0")}`, filter, index };
    });
    const { rows } = await runQuery(domains, "asc", null, LIMITS.pageEntries);
    expect(rows).toHaveLength(LIMITS.queryDomains);
    const sum = (pick: (of: { rows: number; chars: number }) => number) => asked.reduce((all, of) => all + pick(of), 0);
    expect(asked).toHaveLength(LIMITS.queryDomains);
    expect(sum(({ rows }) => rows)).toBeLessThanOrEqual(2 * (LIMITS.pageEntries + 1) + LIMITS.queryDomains);
    expect(sum(({ chars }) => chars)).toBeLessThanOrEqual(2 * LIMITS.pageChars + LIMITS.queryDomains);
  });

  test("one domain that has everything fills a page beside many that have nothing", async () => {
    const busy = Array.from({ length: 300 }, (_, seq): Held => ({ at: seq, seq, matches: true }));
    const domains = Array.from({ length: LIMITS.queryDomains }, (_, i) => ({
      domainId: `dom_${i}`,
      filter,
      index: indexOf(i === 7 ? busy : [], 1000),
    }));
    expect((await runQuery(domains, "desc", null, 200)).rows).toHaveLength(200);
  });

  test("a row that the index shows at another time than its own is not shown there", async () => {
    const lying = indexOf([{ at: 5, seq: 0, matches: true }], 10);
    const page = lying.page;
    lying.page = async (...asked) => {
      const { rows, ...rest } = await page(...asked);
      return { ...rest, rows: rows.flatMap((row) => [row, { ...row, at: row.at + 1 }]) };
    };
    const { rows } = await runQuery([{ domainId: "dom_0", filter, index: lying }], "asc", null, 10);
    expect(rows).toHaveLength(1);
  });
});
