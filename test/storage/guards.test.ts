/** What the sequencer should never send, the database refuses, through every path of SQL (FAULTS A13). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CAVEAT_PATTERN } from "../../src/core/event.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import { chainOf, relinked, verify } from "../verifier/rows.ts";
import { ledger, newId, picture, refusal, run, valuesOf } from "./sql.ts";

const SIZE = 6;
/** One entry more than stands in the table: the next one. */
let chain: EntryRow[];
let domainId: string;

const next = () => at(SIZE);
const at = (seq: number) => chain[seq] as EntryRow;
const fresh = (fill: string) => fill.repeat(64);

async function newChain(size = SIZE): Promise<void> {
  domainId = newId("domain");
  chain = chainOf(size + 1, { domain: domainId });
  await new D1LedgerStore(ledger, domainId).insert(chain.slice(0, size), at(0).prevHash);
}

/** The statement is refused with this text, and no byte of the table is another one afterwards. */
async function expectRefused(text: string, sql: string, ...values: unknown[]): Promise<void> {
  const before = await picture(ledger, "audit_log");
  expect(await refusal(ledger, sql, ...values), sql).toContain(text);
  expect(await picture(ledger, "audit_log"), sql).toBe(before);
}

const VALUES =
  "INTO audit_log (domain_id, seq, id, prev_hash, entry_hash, payload) VALUES (?, ?, ?, unhex(?), unhex(?), ?)";
const INSERTS = [
  `INSERT ${VALUES}`,
  `INSERT OR REPLACE ${VALUES}`,
  `REPLACE ${VALUES}`,
  `INSERT OR IGNORE ${VALUES}`,
  `INSERT OR FAIL ${VALUES}`,
  `INSERT OR ROLLBACK ${VALUES}`,
  `INSERT ${VALUES} ON CONFLICT DO NOTHING`,
  `INSERT ${VALUES} ON CONFLICT (domain_id, seq) DO UPDATE SET payload = excluded.payload`,
  `INSERT ${VALUES} ON CONFLICT (domain_id, id) DO UPDATE SET seq = excluded.seq, entry_hash = excluded.entry_hash`,
  `INSERT ${VALUES} ON CONFLICT (domain_id, entry_hash) DO UPDATE SET id = excluded.id`,
  `INSERT ${VALUES} RETURNING seq`,
];

/** Each breaks one rule and no other, so that each guard is needed. */
const BAD_ROWS: [string, string, () => [string, EntryRow]][] = [
  [
    "S4-13 an existing seq",
    "seq exists",
    () => [domainId, { ...at(5), id: "another", entryHash: fresh("a"), payload: "{}" }],
  ],
  [
    "S2-17 a fake row in the middle, well linked to the row before",
    "seq exists",
    () => [domainId, relinked([at(0), at(1), { ...at(2), id: "fake", payload: "{}" }], 2)[2] as EntryRow],
  ],
  ["the very row that is there", "audit_log is append-only", () => [domainId, at(3)]],
  ["an existing id at the next seq", "id exists", () => [domainId, { ...next(), id: at(2).id }]],
  [
    "S4-14 an existing entry hash at the next seq",
    "entry_hash exists",
    () => [domainId, { ...next(), entryHash: at(2).entryHash }],
  ],
  ["a gap", "not the next entry", () => [domainId, { ...next(), seq: SIZE + 1 }]],
  ["S2-17 a wrong previous hash", "not the next entry", () => [domainId, { ...next(), prevHash: at(4).entryHash }]],
  ["a first row without a base", "not the next entry", () => [newId("domain"), at(0)]],
  ["a row of another domain without that domain's chain", "not the next entry", () => [newId("domain"), next()]],
  ["a negative seq", "not the next entry", () => [newId("domain"), { ...at(0), seq: -1 }]],
  [
    "S4-36 a caveat with its value",
    "names of caveats only",
    () => [domainId, { ...next(), payload: '{"caveats":[{"name":"ip","value":"canary"}]}' }],
  ],
];

describe.each(["OFF", "ON"])("audit_log, recursive_triggers %s", (setting) => {
  beforeAll(async () => {
    await run(ledger, `PRAGMA recursive_triggers = ${setting}`);
    await newChain();
  });
  afterAll(() => run(ledger, "PRAGMA recursive_triggers = OFF"));

  it("is tried under the setting that the title names", async () => {
    const { results } = await run(ledger, "PRAGMA recursive_triggers");
    expect(results).toEqual([{ recursive_triggers: setting === "ON" ? 1 : 0 }]);
  });

  it.each([
    ["domain_id", "'x'"],
    ["seq", "99"],
    ["id", "'x'"],
    ["prev_hash", "zeroblob(32)"],
    ["entry_hash", "zeroblob(32)"],
    ["payload", "'{}'"],
  ])("S2-16 S4-12 refuses every UPDATE of %s, even to the value that it has", async (column, other) => {
    const text = "audit_log is append-only: update refused";
    for (const or of ["", "OR REPLACE ", "OR IGNORE ", "OR ROLLBACK "]) {
      await expectRefused(text, `UPDATE ${or}audit_log SET ${column} = ${column}`);
      await expectRefused(
        text,
        `UPDATE ${or}audit_log SET ${column} = ${other} WHERE domain_id = ? AND seq = 3`,
        domainId,
      );
    }
    await expectRefused(text, `UPDATE audit_log SET ${column} = o.${column} FROM audit_log o WHERE o.seq = 2`);
    await expectRefused(text, `WITH x AS (SELECT 1) UPDATE audit_log SET ${column} = ${other} RETURNING ${column}`);
  });

  it("S2-16 refuses every DELETE: all, one, the newest, with RETURNING", async () => {
    const text = "audit_log is append-only: delete refused";
    await expectRefused(text, "DELETE FROM audit_log");
    await expectRefused(text, "DELETE FROM audit_log WHERE domain_id = ? AND seq = 3", domainId);
    await expectRefused(text, "DELETE FROM audit_log WHERE domain_id = ? AND seq = ?", domainId, SIZE - 1);
    await expectRefused(text, "WITH x AS (SELECT 1) DELETE FROM audit_log WHERE seq > 0 RETURNING seq");
  });

  it.each(BAD_ROWS)("%s is refused, however it is inserted", async (_, text, badRow) => {
    const [domain, row] = badRow();
    for (const insert of INSERTS) await expectRefused(text, insert, ...valuesOf(domain, row));
  });

  it("refuses a copy of the whole table into another domain", async () => {
    const into = "INSERT OR REPLACE INTO audit_log SELECT ?, seq, id, prev_hash, entry_hash, payload FROM audit_log";
    await expectRefused("not the next entry", into, newId("domain"));
  });

  it("takes the next row after all that", async () => {
    expect(await refusal(ledger, INSERTS[0] as string, ...valuesOf(domainId, next()))).toBe("accepted");
    expect(verify(await new D1LedgerStore(ledger, domainId).rows(ALL), undefined, domainId)).toBeNull();
  });
});

const ALL = { fromSeq: 0, toSeq: Number.MAX_SAFE_INTEGER, limit: 10_000 };

describe("where a chain may begin", () => {
  const base = (domain: string, seq: number, prevHash: string) =>
    run(ledger, "INSERT INTO ledger_base VALUES (?, ?, unhex(?))", domain, seq, prevHash);
  const insert = INSERTS[0] as string;

  it("only at a base: this domain's, this seq's, this hash", async () => {
    await newChain();
    const other = newId("domain");
    await base(other, 3, at(3).prevHash);
    await expectRefused("not the next entry", insert, ...valuesOf(other, { ...at(3), prevHash: fresh("b") }));
    await expectRefused("not the next entry", insert, ...valuesOf(other, { ...at(3), seq: 2 }));
    await expectRefused("not the next entry", insert, ...valuesOf(other, { ...at(3), seq: 4 }));
    await expectRefused("not the next entry", insert, ...valuesOf(newId("domain"), at(3)));
    expect(await refusal(ledger, insert, ...valuesOf(other, at(3)))).toBe("accepted");
    expect(await refusal(ledger, insert, ...valuesOf(other, at(4)))).toBe("accepted");
  });

  it("S2-17 a base never overrules the row before it, and never opens a gap", async () => {
    await newChain();
    await base(domainId, SIZE, fresh("c"));
    await expectRefused("not the next entry", insert, ...valuesOf(domainId, { ...next(), prevHash: fresh("c") }));
    await base(domainId, SIZE + 10, fresh("c"));
    const far = { ...next(), seq: SIZE + 10, prevHash: fresh("c") };
    await expectRefused("not the next entry", insert, ...valuesOf(domainId, far));
    expect(await refusal(ledger, insert, ...valuesOf(domainId, next()))).toBe("accepted");
  });

  it.each([
    ["a hash that is too short", 0, "00"],
    ["a negative seq", -1, "00".repeat(32)],
  ])("refuses a base with %s", async (_, seq, hash) => {
    await expect(base(newId("domain"), seq, hash)).rejects.toThrow("SQLITE_CONSTRAINT_CHECK");
  });
});

describe.each(["OFF", "ON"])("ledger_base and ledger_release, recursive_triggers %s", (setting) => {
  const rows = {
    ledger_base: { columns: ["domain_id", "base_seq", "base_prev_hash"], values: ["7", fresh("d")] },
    ledger_release: { columns: ["domain_id", "from_seq", "to_seq", "reason", "released_at"], values: [] },
  };
  beforeEach(() => run(ledger, `PRAGMA recursive_triggers = ${setting}`));
  afterAll(() => run(ledger, "PRAGMA recursive_triggers = OFF"));

  it.each([
    ["ledger_base", "base exists", "(?, 7, unhex(?))", fresh("d"), fresh("e")],
    ["ledger_release", "release exists", "(?, 7, 9, 'prune', ?)", "2026-11-21", "2026-11-22"],
  ] as const)("%s is append-only through every path of SQL", async (table, exists, values, first, second) => {
    const domain = newId("domain");
    await run(ledger, `INSERT INTO ${table} VALUES ${values}`, domain, first);
    const before = await picture(ledger, table);
    const refused: [string, string, ...unknown[]][] = [
      ...rows[table].columns.map((column): [string, string] => ["update", `UPDATE ${table} SET ${column} = ${column}`]),
      ["update", `UPDATE OR REPLACE ${table} SET domain_id = 'x'`],
      ["delete", `DELETE FROM ${table}`],
      ["delete", `DELETE FROM ${table} WHERE domain_id = ?`, domain],
      ...["INSERT", "INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"].flatMap(
        (verb): [string, string, ...unknown[]][] => [
          ["exists", `${verb} INTO ${table} VALUES ${values}`, domain, second],
        ],
      ),
      ["exists", `INSERT INTO ${table} VALUES ${values} ON CONFLICT DO NOTHING`, domain, second],
      ["exists", `INSERT INTO ${table} VALUES ${values} ON CONFLICT DO UPDATE SET domain_id = 'x'`, domain, second],
    ];
    for (const [kind, sql, ...bound] of refused) {
      const text = `${table} is append-only: ${kind === "exists" ? exists : `${kind} refused`}`;
      expect(await refusal(ledger, sql, ...bound), sql).toContain(text);
      expect(await picture(ledger, table), sql).toBe(before);
    }
  });
});

describe("the one gate for DELETE", () => {
  const release = (domain: string, from: number, to: number, reason = "prune") =>
    refusal(ledger, "INSERT INTO ledger_release VALUES (?, ?, ?, ?, '2026-11-21T00:00:00Z')", domain, from, to, reason);
  const hold = (from: number, to: number, domain = domainId) =>
    run(ledger, "INSERT INTO ledger_hold VALUES ('hold', ?, ?, ?)", domain, from, to);
  const deleted = (from: number, to: number) =>
    run(ledger, "DELETE FROM audit_log WHERE domain_id = ? AND seq BETWEEN ? AND ?", domainId, from, to);
  const seqs = async () => (await new D1LedgerStore(ledger, domainId).rows(ALL)).map(({ seq }) => seq);
  const expectKept = (from: number, to: number) =>
    expectRefused(
      "audit_log is append-only: delete refused",
      "DELETE FROM audit_log WHERE domain_id = ? AND seq BETWEEN ? AND ?",
      domainId,
      from,
      to,
    );
  beforeEach(() => newChain());

  it("opens for tenant_deletion, for exactly the range that it names", async () => {
    expect(await release(domainId, 1, 3, "tenant_deletion")).toBe("accepted");
    for (const [from, to] of [
      [0, 0],
      [4, 4],
      [0, 3],
      [1, 4],
    ] as const) {
      await expectKept(from, to);
    }
    await deleted(1, 1);
    await deleted(2, 3);
    expect(await seqs()).toEqual([0, 4, 5]);
  });

  it("opens for prune, for exactly the range that it names, which begins with the first entry that is there", async () => {
    expect(await release(domainId, 1, 3)).toContain("prune begins with the first entry");
    expect(await release(domainId, 0, 2)).toBe("accepted");
    for (const [from, to] of [
      [3, 3],
      [0, 3],
      [2, 5],
    ] as const) {
      await expectKept(from, to);
    }
    expect(await release(domainId, 3, 4)).toContain("prune begins with the first entry");
    await deleted(0, 0);
    await deleted(1, 2);
    expect(await seqs()).toEqual([3, 4, 5]);
    expect(await release(domainId, 3, 4)).toBe("accepted");
  });

  it("opens for no other reason, no empty range and no other domain", async () => {
    expect(await release(domainId, 0, 5, "cleanup")).toContain("SQLITE_CONSTRAINT_CHECK");
    expect(await release(domainId, 0, -1)).toContain("SQLITE_CONSTRAINT_CHECK");
    expect(await release(domainId, -1, 5)).toContain("SQLITE_CONSTRAINT_CHECK");
    expect(await release(newId("domain"), 0, 5)).toBe("accepted");
    await expectKept(0, 5);
  });

  it("a release opens no UPDATE and no REPLACE", async () => {
    await release(domainId, 0, 5);
    await expectRefused("update refused", "UPDATE audit_log SET payload = '{}' WHERE domain_id = ?", domainId);
    const another = { ...at(3), id: "another", entryHash: fresh("a"), payload: "{}" };
    await expectRefused("entry was pruned", `REPLACE ${VALUES}`, ...valuesOf(domainId, another));
  });

  it("stays shut while a hold covers the seq, to the exact edges; one held row keeps the whole statement", async () => {
    await release(domainId, 0, 5, "tenant_deletion");
    await hold(2, 3);
    await expectKept(2, 2);
    await expectKept(3, 3);
    await expectKept(0, 5);
    await deleted(1, 1);
    await deleted(4, 4);
    expect(await seqs()).toEqual([0, 2, 3, 5]);
    await run(ledger, "DELETE FROM ledger_hold WHERE domain_id = ?", domainId);
    await deleted(2, 3);
    expect(await seqs()).toEqual([0, 5]);
  });

  it("a hold of another domain keeps nothing here", async () => {
    await release(domainId, 0, 5);
    await hold(0, 5, newId("domain"));
    await deleted(0, 5);
    expect(await seqs()).toEqual([]);
  });

  it("after a prefix is pruned the chain goes on from the row before, and nothing comes back below", async () => {
    await release(domainId, 0, 4);
    await deleted(0, 4);
    for (const seq of [0, 2, 4]) await expectRefused("audit_log", INSERTS[1] as string, ...valuesOf(domainId, at(seq)));
    expect(await refusal(ledger, INSERTS[0] as string, ...valuesOf(domainId, next()))).toBe("accepted");
    expect(await seqs()).toEqual([5, 6]);
  });

  it("after all rows are pruned the chain goes on only from a base", async () => {
    await release(domainId, 0, 5);
    await deleted(0, 5);
    await expectRefused("not the next entry", INSERTS[0] as string, ...valuesOf(domainId, next()));
    await run(ledger, "INSERT INTO ledger_base VALUES (?, ?, unhex(?))", domainId, SIZE, next().prevHash);
    expect(await refusal(ledger, INSERTS[0] as string, ...valuesOf(domainId, next()))).toBe("accepted");
  });
});

describe("S4-36 caveats", () => {
  beforeEach(() => newChain());
  const tried = (caveats: unknown) =>
    refusal(ledger, INSERTS[0] as string, ...valuesOf(domainId, { ...next(), payload: JSON.stringify({ caveats }) }));

  it.each([["ip"], ["time_before.v2-x"], ["a"], ["a".repeat(64)]])(
    "takes what the API takes for a name: %s",
    async (name) => {
      expect(CAVEAT_PATTERN.test(name)).toBe(true);
      expect(await tried(["ip", name])).toBe("accepted");
    },
  );

  it.each([
    [["ip=10.0.0.1"]],
    [["ip", "time < 2026"]],
    [["10.0.0.1"]],
    [["Name"]],
    [["nAme"]],
    [["naïve"]],
    [[""]],
    [[1]],
    [[null]],
    [[["ip"]]],
    [[{ ip: "10.0.0.1" }]],
    [{ ip: "10.0.0.1" }],
    ["ip"],
    [null],
  ])("refuses %j", async (caveats) => {
    expect(await tried(caveats)).toContain("audit_log holds names of caveats only");
    expect((await new D1LedgerStore(ledger, domainId).tip())?.size).toBe(SIZE);
  });

  // A log that starts without one of its guards writes nothing at all: test/evil/guards.test.ts takes each away.
  it("S4-37 it is this trigger that refuses: without it the same row goes in", async () => {
    const name = "audit_log_caveat_names";
    const { sql } = (await ledger
      .prepare("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?")
      .bind(name)
      .first()) as { sql: string };
    expect(await tried([{ name: "ip", value: "canary" }])).toContain("audit_log holds names of caveats only");
    await ledger.prepare(`DROP TRIGGER ${name}`).run();
    try {
      expect(await tried([{ name: "ip", value: "canary" }])).toBe("accepted");
    } finally {
      await ledger.prepare(sql).run();
    }
    await newChain();
    expect(await tried([{ name: "ip", value: "canary" }])).toContain("audit_log holds names of caveats only");
  });

  it("a payload that is not JSON is refused", async () => {
    const row = { ...next(), payload: "caveats" };
    expect(await refusal(ledger, INSERTS[0] as string, ...valuesOf(domainId, row))).toContain("malformed JSON");
  });
});
