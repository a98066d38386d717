/** Part 5 of the query: every entry is indexed once, whatever fails and whoever else indexes. */
import { describe, expect, it } from "vitest";
import type { IndexShard } from "../../src/services/ports.ts";
import { type IndexDeps, indexStep } from "../../src/services/query/index-step.ts";
import { D1IndexShard } from "../../src/storage/index-writer.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { withLimits, withoutGuards } from "../support/tamper.ts";
import { ledger, refusal, run } from "./sql.ts";
import { filed, indexAll, randomFrom, shardOf, storedDomain } from "./support/indexed.ts";

const ROWS = 50;
const inSteps = <T>(run: () => Promise<T>) => withLimits({ indexRows: 7 }, run);
const NUMBER = "(SELECT number FROM audit_index WHERE domain_id = ?1)";

async function expectFiled(domainId: string, rows: Parameters<typeof filed>[1]): Promise<void> {
  const { stored, wanted } = await filed(domainId, rows);
  expect(stored.length).toBeGreaterThan(rows.length);
  expect(stored).toEqual(wanted);
}

/** Goes on after a failure, as the alarm does. */
async function indexAgain(deps: IndexDeps): Promise<number> {
  let failures = 0;
  for (;;) {
    try {
      if ((await indexStep(deps)).done) return failures;
    } catch {
      failures++;
    }
  }
}

describe("a step of the index", () => {
  it.each(
    (["begin", "rows", "state", "commit"] as const).flatMap((method) =>
      FAULT_FORMS.map((form) => [method, form] as const),
    ),
  )("when `%s` fails (%s) leaves every entry filed once", async (method, form) => {
    const { domainId, rows, deps } = await storedDomain(ROWS, randomFrom(1));
    const { store, failed } = withFault<IndexShard>(deps.shard("LEDGER_00"), { method, form, times: 3 });
    await inSteps(() => indexAgain({ ...deps, shard: () => store }));
    expect(failed()).toBe(method === "begin" && form === "answer_lost" ? 1 : 3);
    await expectFiled(domainId, rows);
  });

  it("which is taken by another beside it, or was taken before, changes nothing", async () => {
    const { domainId, rows, deps } = await storedDomain(ROWS, randomFrom(2));
    const counts = await inSteps(() => Promise.all([1, 2, 3, 4].map(() => indexAgain(deps))));
    expect(counts).toEqual([0, 0, 0, 0]);
    await expectFiled(domainId, rows);
    const shard = deps.shard("LEDGER_00");
    const state = await shard.state();
    await expect(
      shard.commit({ salt: state?.salt as Uint8Array, size: 7 }, 14, { postings: [[1, 1, 1]], sums: [] }),
    ).rejects.toThrow();
    await expectFiled(domainId, rows);
  });

  it("that was made for an index which was dropped and begun anew meanwhile is refused", async () => {
    const { domainId, rows, deps } = await storedDomain(ROWS, randomFrom(3));
    const shard = deps.shard("LEDGER_00");
    await shard.begin();
    const before = await shard.state();
    expect(await shard.drop()).toBe(true);
    await shard.begin();
    const step = shard.commit({ salt: before?.salt as Uint8Array, size: 0 }, 5, { postings: [[1, 1, 1]], sums: [] });
    await expect(step).rejects.toThrow();
    await indexAll(deps);
    await expectFiled(domainId, rows);
  });

  it("dropped and built again, also when dropping was cut short, gives the same rows", async () => {
    const { domainId, rows, deps, index } = await storedDomain(ROWS, randomFrom(4));
    await inSteps(() => indexAll(deps));
    // Cut short after the first statement: marked, and nothing taken out.
    await run(ledger, "UPDATE audit_index SET from_size = -1, size = -1 WHERE domain_id = ?1", domainId);
    expect(await index.size()).toBe(0);
    expect(
      (await index.page({ clauses: [], afterMs: null, beforeMs: null }, { order: "asc", after: null }, 9)).rows,
    ).toEqual([]);
    expect(await indexAll(deps)).toBe(ROWS);
    await expectFiled(domainId, rows);
  });

  it("goes back with the rows when the database is restored to an earlier copy, and then goes on", async () => {
    const { domainId, rows, deps } = await storedDomain(ROWS, randomFrom(5));
    await withLimits({ indexRows: 20 }, () => indexStep(deps));
    const tables = [
      "audit_index WHERE domain_id = ?1",
      `audit_posting WHERE number = ${NUMBER}`,
      `audit_tally WHERE number = ${NUMBER}`,
    ];
    const copies = await Promise.all(tables.map((table) => run(ledger, `SELECT * FROM ${table}`, domainId)));
    await indexAll(deps);
    await withoutGuards(async () => {
      for (const table of [...tables].reverse()) await run(ledger, `DELETE FROM ${table}`, domainId);
      await run(ledger, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq >= 30", domainId);
      for (const [i, { results }] of copies.entries()) {
        const table = (tables[i] as string).split(" ")[0];
        for (const row of results) {
          const names = Object.keys(row);
          const values = names.map((name) => (name === "salt" ? Uint8Array.from(row[name] as number[]) : row[name]));
          await run(ledger, `INSERT INTO ${table} (${names}) VALUES (${names.map(() => "?")})`, ...values);
        }
      }
    });
    expect(await indexAll(deps)).toBe(30);
    await expectFiled(domainId, rows.slice(0, 30));
  });

  it("files an entry whose payload was changed to something else under every entry alone", async () => {
    const { domainId, rows, deps } = await storedDomain(3, randomFrom(6));
    await withoutGuards(() =>
      run(ledger, "UPDATE audit_log SET payload = '[\"no entry' WHERE domain_id = ?1 AND seq = 1", domainId),
    );
    expect(await indexAll(deps)).toBe(3);
    const sql = `SELECT count(*) AS terms FROM audit_posting WHERE number = ${NUMBER} AND seq = 1`;
    expect((await run(ledger, sql, domainId)).results).toEqual([{ terms: 1 }]);
    expect(rows).toHaveLength(3);
  });
});

describe("the guards of the index", () => {
  it("refuse a step that leaves entries out, takes some twice, or ends where there is none", async () => {
    const { domainId, deps } = await storedDomain(10, randomFrom(7));
    await withLimits({ indexRows: 5 }, () => indexStep(deps));
    const set = (values: string) => refusal(ledger, `UPDATE audit_index SET ${values} WHERE domain_id = ?1`, domainId);
    for (const values of [
      ...["from_size = 0, size = 8", "from_size = 6, size = 8", "from_size = 5, size = 5", "from_size = 5, size = 4"],
      ...[
        "from_size = 5, size = 11",
        "from_size = 0, size = 0",
        "from_size = -1, size = 8",
        "from_size = 5, size = -1",
      ],
      ...["number = number + 1000", "salt = randomblob(16), from_size = 5, size = 8", "domain_id = 'other'"],
    ]) {
      expect(await set(values), values).toContain("audit_index is not there");
    }
    expect(await set("from_size = 5, size = 8")).toBe("accepted");
  });

  it("refuse a second index, one beside no entries, one that begins further on, and a row with postings to go", async () => {
    const { domainId, deps } = await storedDomain(3, randomFrom(8));
    await indexAll(deps);
    const insert = (values: string, id: string, verb = "INSERT") =>
      refusal(
        ledger,
        `${verb} INTO audit_index (domain_id, salt, from_size, size) VALUES (?1, randomblob(16), ${values})`,
        id,
      );
    for (const verb of ["INSERT", "REPLACE", "INSERT OR REPLACE"]) {
      expect(await insert("0, 0", domainId, verb)).toContain("audit_index begins with nothing");
    }
    expect(await insert("0, 0", "dom_without_entries")).toContain("audit_index begins with nothing");
    const fresh = await storedDomain(3, randomFrom(9));
    expect(await insert("0, 2", fresh.domainId)).toContain("audit_index begins with nothing");
    expect(await refusal(ledger, "DELETE FROM audit_index WHERE domain_id = ?1", domainId)).toContain(
      "still has postings",
    );
    const shard = new D1IndexShard(shardOf("LEDGER_00"), domainId);
    expect(await shard.drop()).toBe(true);
    expect(await shard.state()).toBeNull();
  });
});
