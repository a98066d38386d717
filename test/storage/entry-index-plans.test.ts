/**
 * Keyset plans only: every statement that a query can become is planned by the real database, and none may walk a table, sort
 * what has no bound, or leave a bound of the key unused.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type Clause, type EntryFilter, EVERYTHING, QUERY_FIELDS } from "../../src/core/query/filter.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { IndexFrom } from "../../src/services/ports.ts";
import { D1EntryIndex } from "../../src/storage/entry-index.ts";
import { EntryIndexShard } from "../../src/storage/entry-index-shard.ts";
import { D1IndexShard } from "../../src/storage/index-writer.ts";
import { ledger, recording, run } from "./sql.ts";
import { BEGAN_MS, indexAll, randomFrom, storedDomain } from "./support/indexed.ts";

/** Walks over what was bounded before: the window, the values of a bound list. */
const BOUNDED = /^SCAN (?:w|e VIRTUAL TABLE INDEX 1:|\(subquery-\d+\)|CONSTANT ROW)$/;
const KEY = /^SEARCH (?:audit_posting|p) USING PRIMARY KEY \(number=\? AND term=\?/;
const TIMES = /\bat (?:>=|<) \?|\(at, seq\)/g;

/** What is wrong with the plan of a statement, one line each. */
function faultsOf(sql: string, details: readonly string[]): string[] {
  const sorts = /\bGROUP BY\b|\bOVER\b/.test(sql);
  const walked = details.find((detail) => detail.startsWith("SEARCH audit_posting"));
  const bounds = sql.match(TIMES)?.length ?? 0;
  const used = walked?.match(/at[<>]\?|\(at,seq\)[<>]\(\?,\?\)/g)?.length ?? 0;
  return [
    ...details.filter((detail) => detail.startsWith("SCAN") && !BOUNDED.test(detail)),
    ...details.filter((detail) => detail.includes("TEMP B-TREE") && !sorts),
    ...details.filter((detail) => /^SEARCH (?:audit_posting|p) /.test(detail) && !KEY.test(detail)),
    ...details.filter((detail) => detail.includes("AUTOMATIC")),
    ...(used < bounds ? [`uses ${used} of ${bounds} bounds: ${walked}`] : []),
  ];
}

async function plan(sql: string, values: readonly unknown[]): Promise<string[]> {
  const { results } = await run(ledger, `EXPLAIN QUERY PLAN ${sql}`, ...values);
  return results.map(({ detail }) => String(detail));
}

/** Statements that differ in their numbers only have one plan. */
const shapeOf = (sql: string) => sql.replaceAll(/\b\d+\b/g, "n").replaceAll(/n(?:, n)+/g, "n, n");

const clause = (field: Clause["field"], values: number, not: boolean): Clause => ({
  field,
  anyOf: Array.from({ length: values }, (_, i) => (field === "action" ? `a.b${i}` : `value${i}`)),
  not,
});

function* shapesOf(): Generator<{ filter: EntryFilter; from: IndexFrom }> {
  const sets: Clause[][] = [[]];
  for (const field of QUERY_FIELDS) {
    for (const values of [1, 2, 3]) for (const not of [false, true]) sets.push([clause(field, values, not)]);
  }
  for (const values of [1, 3]) {
    for (const [first, second] of [
      [false, false],
      [false, true],
      [true, true],
    ] as const) {
      sets.push([clause("action", values, first), clause("actor", values, second), clause("outcome", 1, true)]);
    }
  }
  sets.push(Array.from({ length: 40 }, (_, i) => clause("text", 1 + (i % 3), i % 4 === 0)));
  const day = 86_400_000;
  const afters = [
    null,
    { at: BEGAN_MS + day, seq: 3 },
    { at: BEGAN_MS - day, seq: 1 },
    { at: BEGAN_MS + 9 * day, seq: 1 },
  ];
  for (const clauses of sets) {
    for (const afterMs of [null, BEGAN_MS]) {
      for (const beforeMs of [null, BEGAN_MS + 3 * day]) {
        for (const order of ["asc", "desc"] as const) {
          for (const after of afters) yield { filter: { clauses, afterMs, beforeMs }, from: { order, after } };
        }
      }
    }
  }
}

/** One statement of each shape, with values. */
const statements = new Map<string, { sql: string; values: unknown[] }>();
let domainId: string;

beforeAll(async () => {
  const stored = await storedDomain(20, randomFrom(1));
  domainId = stored.domainId;
  const recorded = recording(ledger);
  const shard = new EntryIndexShard("LEDGER_00", recorded.db, domainId, sha256);
  const index = new D1EntryIndex(stored.ranges, () => shard);
  const writer = new D1IndexShard(recorded.db, domainId);
  await indexAll({ ...stored.deps, shard: () => writer });
  // Plans do not hang on where a shape came from, so the shapes that were seen are asked for once.
  const asked = new Set<string>();
  const { index: open } = await shard.open();
  if (!open) throw new Error("the domain has no index");
  for (const { filter, from } of shapesOf()) {
    const begun = recorded.statements.length;
    const key = JSON.stringify([
      filter.clauses.map(({ anyOf, not }) => [anyOf.length, not]),
      [filter.afterMs === null, filter.beforeMs === null, from],
    ]);
    if (asked.has(key)) continue;
    asked.add(key);
    const planned = await shard.plan(open, filter);
    await shard.streams(open, planned, filter, from, 10);
    if (from.after === null) await shard.count(open, planned, filter);
    for (const noted of recorded.statements.splice(begun)) statements.set(shapeOf(noted.sql), noted);
  }
  await index.tallies({ fromDay: 0, toDay: 99_999 }, ["action"], 5);
  await index.page(EVERYTHING, { order: "asc", after: null }, 5);
  for (const noted of recorded.statements) statements.set(shapeOf(noted.sql), noted);
  await writer.drop();
  for (const noted of recorded.statements) statements.set(shapeOf(noted.sql), noted);
}, 120_000);

describe("S0-33 the plans of the index", () => {
  it("are keyset plans for every query that can be made", async () => {
    expect(statements.size).toBeGreaterThan(60);
    for (const { sql, values } of statements.values()) {
      if (/^(?:INSERT|UPDATE)/.test(sql)) continue;
      const details = await plan(sql, values);
      const isDelete = sql.startsWith("DELETE");
      const faults = faultsOf(sql, details).filter(
        (fault) => !isDelete || !/^SEARCH audit_posting .*\(number=\?|TEMP/.test(fault),
      );
      expect(faults, `${sql}\n${details.join("\n")}`).toEqual([]);
    }
  });

  it("are found wanting when the key is missing, or is another one", async () => {
    const columns = "number INTEGER, term INTEGER, at INTEGER, seq INTEGER";
    await run(ledger, `CREATE TABLE bare_posting (${columns})`);
    await run(ledger, `CREATE TABLE other_posting (${columns}, PRIMARY KEY (number, term, seq, at)) WITHOUT ROWID`);
    try {
      for (const table of ["bare_posting", "other_posting"]) {
        for (const { sql, values } of statements.values()) {
          if (!/^SELECT/.test(sql) || !sql.includes("FROM audit_posting")) continue;
          const details = await plan(sql.replaceAll("audit_posting", table), values);
          const renamed = details.map((detail) => detail.replaceAll(table, "audit_posting"));
          expect(faultsOf(sql, renamed), `${table}\n${sql}\n${details.join("\n")}`).not.toEqual([]);
        }
      }
    } finally {
      await run(ledger, "DROP TABLE bare_posting");
      await run(ledger, "DROP TABLE other_posting");
    }
  });
});
