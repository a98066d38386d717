import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import { chainOf, relinked, verify } from "../verifier/rows.ts";
import { ledger, newId, picture, recording, run } from "./sql.ts";

const ALL = { fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER, limit: 10_000 };

/** A domain with so many rows in the ledger, and its rows with some that are still to come. */
async function stored(size: number, more = 0) {
  const domainId = newId("domain");
  const rows = chainOf(size + more, { domain: domainId });
  const store = new D1LedgerStore(ledger, domainId);
  const genesis = rows[0]?.prevHash ?? "";
  if (size > 0) await store.insert(rows.slice(0, size), genesis);
  return { domainId, rows, store, genesis };
}

const rowAt = (rows: readonly EntryRow[], seq: number) => rows[seq] as EntryRow;
const basesOf = async (domainId: string) =>
  (await run(ledger, "SELECT base_seq FROM ledger_base WHERE domain_id = ?", domainId)).results;

/** Rows of the size that is wanted, consistent as a chain. */
const bigRows = (size: number, domain: string, text: string) =>
  chainOf(size, { domain, fields: (seq) => (seq === 0 ? {} : { metadata: { text } }) });

describe("insert", () => {
  it("stores 500 rows in one call, byte for byte and in order, whatever order the database likes", async () => {
    const { domainId, rows, store } = await stored(500);
    expect(await store.rows(ALL)).toEqual(rows);
    expect(verify(await store.rows(ALL), undefined, domainId)).toBeNull();
    expect(await store.tip()).toEqual({ size: 500, entryHash: rowAt(rows, 499).entryHash });
    expect(await basesOf(domainId)).toEqual([{ base_seq: 0 }]);
  });

  it("keeps every character of a payload and of an id", async () => {
    const domainId = newId("domain");
    const note = "\u0000 \u0001 \" ' \\ \n \u2028 é 日本 😀 \ud800 ; -- '); DROP TABLE audit_log".toWellFormed();
    const rows = chainOf(3, { domain: domainId, fields: (seq) => (seq === 0 ? {} : { metadata: { note } }) });
    const odd = { ...rowAt(rows, 1), id: "it's;\"--" };
    const store = new D1LedgerStore(ledger, domainId);
    await store.insert([rowAt(rows, 0), odd, rowAt(rows, 2)], rowAt(rows, 0).prevHash);
    expect(await store.rows(ALL)).toEqual([rowAt(rows, 0), odd, rowAt(rows, 2)]);
    expect(await store.byId(odd.id)).toEqual(odd);
  });

  it("writes the base once, and only with row 0", async () => {
    const { domainId, rows, store, genesis } = await stored(2, 2);
    await store.insert(rows.slice(2), null);
    expect(await basesOf(domainId)).toEqual([{ base_seq: 0 }]);
    await expect(store.insert(rows.slice(0, 1), genesis)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await basesOf(domainId)).toEqual([{ base_seq: 0 }]);
  });

  it("goes on from a base that is there while its rows are gone", async () => {
    const { domainId, rows, store, genesis } = await stored(0, 2);
    await run(ledger, "INSERT INTO ledger_base VALUES (?, 0, unhex(?))", domainId, genesis);
    await store.insert(rows, genesis);
    expect(await store.rows(ALL)).toEqual(rows);
  });

  const spoil: [string, (row: EntryRow, rows: readonly EntryRow[]) => EntryRow][] = [
    ["a previous hash that is another one", (row) => ({ ...row, prevHash: "ab".repeat(32) })],
    ["a seq that leaves a gap", (row) => ({ ...row, seq: row.seq + 1000 })],
    ["an id that another row has", (row, rows) => ({ ...row, id: rowAt(rows, (row.seq + 1) % 500).id })],
    ["an entry hash that is too short", (row) => ({ ...row, entryHash: "ab" })],
    ["an entry hash that is no hex", (row) => ({ ...row, entryHash: "zz".repeat(32) })],
    ["a caveat with a value", (row) => ({ ...row, payload: '{"caveats":[{"ip":"10.0.0.1"}]}' })],
    ["a payload that is not JSON", (row) => ({ ...row, payload: "{" })],
    ["an empty id", (row) => ({ ...row, id: "" })],
    ["an id of 65 characters", (row) => ({ ...row, id: "x".repeat(65) })],
  ];
  it.each(spoil)("F9 a batch of 500 with %s in it stores nothing, not even its base", async (_, bad) => {
    for (const seq of [0, 250, 499]) {
      const { domainId, rows, store, genesis } = await stored(0, 500);
      const before = await picture(ledger, "audit_log");
      const batch = rows.map((row) => (row.seq === seq ? bad(row, rows) : row));
      await expect(store.insert(batch, genesis), `seq ${seq}`).rejects.toMatchObject({ code: "storage.unavailable" });
      expect(await picture(ledger, "audit_log")).toBe(before);
      expect(await basesOf(domainId)).toEqual([]);
      await store.insert(rows, genesis);
      expect((await store.tip())?.size).toBe(500);
    }
  });

  it("F9 the same when the batch needs several statements", async () => {
    const { domainId, store } = await stored(0);
    const rows = bigRows(100, domainId, '"'.repeat(30_000));
    const bad = rows.map((row) => (row.seq === 99 ? { ...row, prevHash: "ab".repeat(32) } : row));
    await expect(store.insert(bad, rowAt(rows, 0).prevHash)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await store.tip()).toBeNull();
    await store.insert(rows, rowAt(rows, 0).prevHash);
    expect(verify(await store.rows(ALL), undefined, domainId)).toBeNull();
  });

  it.each([
    ["characters of three bytes", "語"],
    ["characters that are escaped twice", '"'],
    ["plain characters", "x"],
  ])("binds no string that D1 would refuse, however long the rows are: %s", async (_, char) => {
    const domainId = newId("domain");
    const { db, statements } = recording(ledger);
    const text = char.repeat(Math.floor(14_000 / utf8(char).length));
    const rows = bigRows(500, domainId, text);
    await new D1LedgerStore(db, domainId).insert(rows, rowAt(rows, 0).prevHash);
    const bound = statements.flatMap(({ values }) => values.map((value) => utf8(String(value)).length));
    expect(rows.reduce((sum, row) => sum + utf8(row.payload).length, 0)).toBeGreaterThan(LIMITS.boundStringBytes);
    expect(Math.max(...bound)).toBeLessThanOrEqual(LIMITS.boundStringBytes);
    expect(statements.length).toBeLessThan(25);
    expect((await new D1LedgerStore(ledger, domainId).tip())?.size).toBe(500);
  });

  it("F8 a second writer with a stale head stores nothing, and the first one goes on", async () => {
    const { domainId, rows, store } = await stored(10, 20);
    const other = (row: EntryRow): EntryRow => {
      const id = `stale-${row.seq}`;
      return { ...row, id, payload: row.payload.replace(row.id, id).replace("csv", "pdf") };
    };
    const forked = relinked(rows.map((row) => (row.seq < 10 ? row : other(row))));
    await store.insert(rows.slice(10, 20), null);
    expect(verify(forked, undefined, domainId)).toBeNull();
    const stale = new D1LedgerStore(ledger, domainId);
    const before = await picture(ledger, "audit_log");
    for (const [from, to] of [
      [10, 11],
      [10, 20],
      [5, 15],
      [10, 30],
      [20, 30],
      [29, 30],
    ] as const) {
      await expect(stale.insert(forked.slice(from, to), null)).rejects.toMatchObject({ code: "storage.unavailable" });
      expect(await picture(ledger, "audit_log")).toBe(before);
    }
    await expect(stale.insert(forked, rowAt(rows, 0).prevHash)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await picture(ledger, "audit_log")).toBe(before);
    await store.insert(rows.slice(20), null);
    expect(await store.rows(ALL)).toEqual(rows);
  });

  it("F8 of two writers that race from one head exactly one wins, again and again", async () => {
    const { domainId, rows, store } = await stored(1, 20);
    for (let seq = 1; seq <= 20; seq++) {
      const racers = Array.from({ length: 4 }, (_, i) => ({ ...rowAt(rows, seq), id: `${seq}-${i}` }));
      const outcomes = await Promise.allSettled(
        racers.map((row) => new D1LedgerStore(ledger, domainId).insert([row], null)),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    }
    expect((await store.rows(ALL)).map(({ seq }) => seq)).toEqual(Array.from({ length: 21 }, (_, seq) => seq));
  });

  it("two domains do not see each other", async () => {
    const one = await stored(3);
    const two = await stored(2);
    expect(await one.store.rows(ALL)).toEqual(one.rows);
    expect(await two.store.tip()).toEqual({ size: 2, entryHash: rowAt(two.rows, 1).entryHash });
    expect(await two.store.byId("nothing")).toBeNull();
    const twin = { ...rowAt(one.rows, 0), id: rowAt(two.rows, 0).id };
    const third = new D1LedgerStore(ledger, newId("domain"));
    await third.insert([twin], twin.prevHash);
    expect(await third.byId(twin.id)).toEqual(twin);
    expect(await two.store.byId(twin.id)).toEqual(two.rows[0]);
    expect(await third.seqsOf(two.rows.map(({ id }) => id))).toEqual(new Map([[twin.id, 0]]));
  });
});

describe("tip", () => {
  it("is null for a domain without rows", async () => {
    expect(await (await stored(0)).store.tip()).toBeNull();
  });
});

describe("rows", () => {
  it("gives a range in both directions, at most as many as asked for", async () => {
    const { rows, store } = await stored(20);
    const seqs = async (range: Parameters<typeof store.rows>[0]) => (await store.rows(range)).map(({ seq }) => seq);
    expect(await seqs({ fromSeq: 5, toSeq: 9, limit: 10 })).toEqual([5, 6, 7, 8, 9]);
    expect(await seqs({ fromSeq: 5, toSeq: 9, limit: 10, descending: true })).toEqual([9, 8, 7, 6, 5]);
    expect(await seqs({ fromSeq: 5, toSeq: 9, limit: 2 })).toEqual([5, 6]);
    expect(await seqs({ fromSeq: 5, toSeq: 9, limit: 2, descending: true })).toEqual([9, 8]);
    expect(await seqs({ fromSeq: 19, toSeq: 40, limit: 5 })).toEqual([19]);
    expect(await seqs({ fromSeq: 20, toSeq: 40, limit: 5 })).toEqual([]);
    expect(await store.rows({ ...ALL, descending: true })).toEqual([...rows].reverse());
  });

  it("stops when a page holds enough characters, in both directions, and the pages are the whole", async () => {
    const domainId = newId("domain");
    const rows = bigRows(300, domainId, "x".repeat(60_000));
    const store = new D1LedgerStore(ledger, domainId);
    for (let from = 0; from < 300; from += 100) {
      await store.insert(rows.slice(from, from + 100), from === 0 ? rowAt(rows, 0).prevHash : null);
    }
    const chars = (page: readonly EntryRow[]) => page.reduce((sum, { payload }) => sum + payload.length, 0);
    const first = await store.rows({ ...ALL, limit: 1000 });
    expect(first).toEqual(rows.slice(0, first.length));
    expect(first.length).toBeLessThan(300);
    // The last row of a page is the one that reaches the bound.
    expect(chars(first.slice(0, -1))).toBeLessThan(LIMITS.pageChars);
    expect(chars(first)).toBeGreaterThanOrEqual(LIMITS.pageChars);
    expect(chars(first)).toBeLessThan(LIMITS.pageChars + LIMITS.payloadBytes);
    const last = await store.rows({ ...ALL, limit: 1000, descending: true });
    expect(last).toEqual(rows.slice(-last.length).reverse());
    expect(chars(last)).toBeLessThan(LIMITS.pageChars + LIMITS.payloadBytes);
    const paged: EntryRow[] = [];
    while (paged.length < rows.length) {
      const page = await store.rows({ fromSeq: paged.length, toSeq: 299, limit: 1000 });
      expect(page.length).toBeGreaterThan(0);
      paged.push(...page);
    }
    expect(paged).toEqual(rows);
  });
});

describe("byId and seqsOf", () => {
  it("find what is there, once, and nothing else", async () => {
    const { rows, store } = await stored(30);
    expect(await store.byId(rowAt(rows, 7).id)).toEqual(rows[7]);
    expect(await store.byId("absent")).toBeNull();
    const ids = [rowAt(rows, 29).id, "absent", rowAt(rows, 0).id, rowAt(rows, 0).id, "1", "null"];
    expect(await store.seqsOf(ids)).toEqual(
      new Map([
        [rowAt(rows, 29).id, 29],
        [rowAt(rows, 0).id, 0],
      ]),
    );
    expect(await store.seqsOf([])).toEqual(new Map());
  });
});

describe("every statement", () => {
  const SIZE = 2000;

  async function noted() {
    const { domainId, rows } = await stored(SIZE, 2);
    const { db, statements } = recording(ledger);
    const store = new D1LedgerStore(db, domainId);
    await store.tip();
    await store.rows({ ...ALL, limit: 10 });
    await store.rows({ ...ALL, limit: 10, descending: true });
    await store.byId(rowAt(rows, 1000).id);
    await store.seqsOf(rows.slice(0, 10).map(({ id }) => id));
    await store.rowsAt([3, 1000, 1999]);
    await store.lines({ fromSeq: 1000, toSeq: 1009, limit: 10 });
    const reads = statements.splice(0);
    await store.insert(rows.slice(SIZE, SIZE + 1), rowAt(rows, 0).prevHash);
    return { reads, writes: statements, rows, domainId };
  }

  it("searches audit_log by an index and never walks it", async () => {
    const { reads, writes } = await noted();
    expect(reads).toHaveLength(7);
    expect(writes).toHaveLength(2);
    for (const { sql, values } of [...reads, ...writes]) {
      const { results } = await run(ledger, `EXPLAIN QUERY PLAN ${sql}`, ...values);
      const plan = results.map(({ detail }) => String(detail));
      expect(plan.length).toBeGreaterThan(0);
      expect(
        plan.filter((step) => /^SCAN (?:audit_log|ledger_\w+|a)\b/.test(step)),
        sql,
      ).toEqual([]);
    }
    const lines = reads.find(({ sql }) => sql.includes("group_concat"));
    const plan = await run(ledger, `EXPLAIN QUERY PLAN ${lines?.sql}`, ...(lines?.values ?? []));
    expect(plan.results.map(({ detail }) => detail).join("\n")).toMatch(
      /SEARCH audit_log USING (?:PRIMARY KEY|INDEX \w+) \(domain_id=\? AND seq>\? AND seq<\?\)/,
    );
    const seqsOf = reads.find(({ sql }) => sql.includes("a.id = e.value"));
    const { results } = await run(ledger, `EXPLAIN QUERY PLAN ${seqsOf?.sql}`, ...(seqsOf?.values ?? []));
    expect(results.map(({ detail }) => detail).join("\n")).toMatch(
      /SEARCH a USING INDEX \w+ \(domain_id=\? AND id=\?\)/,
    );
  });

  it("reads a number of rows that does not grow with the domain", async () => {
    const { reads, rows, domainId } = await noted();
    for (const { sql, values } of reads) {
      const { meta } = await run(ledger, sql, ...values);
      expect(meta.rows_read, sql).toBeLessThan(100);
    }
    // Through all guards of INSERT.
    const { db, statements } = recording(ledger);
    await expect(new D1LedgerStore(db, domainId).insert([rowAt(rows, 1)], null)).rejects.toThrow();
    const [insert] = statements;
    const row = rowAt(rows, SIZE + 1);
    const json = JSON.stringify([[row.seq, row.id, row.prevHash, row.entryHash, row.payload]]);
    const { meta } = await run(ledger, insert?.sql ?? "", domainId, json);
    expect(meta.rows_written).toBeGreaterThan(0);
    expect(meta.rows_read).toBeLessThan(20);
  });
});

describe("errors", () => {
  it("name the guard and carry nothing of the rows", async () => {
    const { rows, store } = await stored(2, 1);
    const canary = "Jane Canary <jane@canary.example>";
    const bad = { ...rowAt(rows, 2), prevHash: "ab".repeat(32), payload: JSON.stringify({ canary }) };
    const error = await store.insert([bad], null).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      code: "storage.unavailable",
      internal: "ledger: audit_log is a chain: not the next entry",
    });
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      expect(JSON.stringify([at.message, at.stack, { ...at }])).not.toMatch(/canary/i);
    }
  });
});
