/** A guard that is gone, or is there in name only, is noticed before anything is written (STYLE rule 11). */
import { afterEach, describe, expect, it } from "vitest";
import { sha256 } from "../../src/crypto/sha256.ts";
import { demandGuards } from "../../src/services/log/start.ts";
import {
  CONTROL_GUARDS,
  guardsMissing,
  LEDGER_GUARDS,
  type StoredTrigger,
  TRIGGERS_SQL,
} from "../../src/storage/guards.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import { chainOf, relinked } from "../verifier/rows.ts";
import { control, ledger, migrations, newId, run, valuesOf } from "./sql.ts";

const triggers = async (db: D1Database) => (await run(db, TRIGGERS_SQL)).results as unknown as StoredTrigger[];
const missing = () => new D1LedgerStore(ledger, newId("domain")).missingGuards();
const released = migrations.LEDGER_00.flatMap(({ queries }) => queries);

/** As the migration wrote it. */
function original(name: string): string {
  const query = released.find((text) => text.includes(`CREATE TRIGGER ${name} `)) ?? "";
  return query.slice(query.indexOf("CREATE TRIGGER"));
}

async function restore(): Promise<void> {
  for (const name of Object.keys(LEDGER_GUARDS)) {
    await run(ledger, `DROP TRIGGER IF EXISTS ${name}`);
    await run(ledger, original(name));
  }
}

afterEach(restore);

describe("the migrations", () => {
  it.each([
    ["ledger", ledger, LEDGER_GUARDS],
    ["control", control, CONTROL_GUARDS],
  ] as const)("leave %s with exactly the guards that the code demands", async (_, db, guards) => {
    expect((await triggers(db)).map(({ name }) => name).sort()).toEqual(Object.keys(guards).sort());
    expect(guardsMissing(guards, await triggers(db))).toEqual([]);
  });
});

describe("missingGuards", () => {
  it("finds nothing in a database that is whole", async () => {
    expect(await missing()).toEqual([]);
    await expect(demandGuards(new D1LedgerStore(ledger, newId("domain")))).resolves.toBeUndefined();
  });

  it.each(Object.keys(LEDGER_GUARDS))("names %s when it was dropped, and writes are refused", async (name) => {
    await run(ledger, `DROP TRIGGER ${name}`);
    expect(await missing()).toEqual([name]);
    const demanded = demandGuards(new D1LedgerStore(ledger, newId("domain")));
    await expect(demanded).rejects.toMatchObject({ code: "ledger.guard_missing", detail: `missing: ${name}` });
  });

  it.each(Object.keys(LEDGER_GUARDS))("names %s when it was re-created under its name to do nothing", async (name) => {
    const [head] = original(name).split(" BEGIN ");
    await run(ledger, `DROP TRIGGER ${name}`);
    await run(ledger, `${head} BEGIN SELECT 1; END`);
    expect(await missing()).toEqual([name]);
  });

  it.each([
    ["another condition", (sql: string) => sql.replace("a.seq >= NEW.seq", "a.seq > NEW.seq")],
    ["a condition that is never true", (sql: string) => sql.replace("WHEN ", "WHEN 0 AND ")],
    ["another table", (sql: string) => sql.replace("BEFORE INSERT ON audit_log", "BEFORE INSERT ON ledger_base")],
    ["AFTER in the place of BEFORE", (sql: string) => sql.replace("BEFORE INSERT", "AFTER INSERT")],
    ["IGNORE in the place of ABORT", (sql: string) => sql.replace(/RAISE\(ABORT, '[^']*'\)/, "RAISE(IGNORE)")],
  ])("names a guard with %s", async (_, altered) => {
    const sql = original("audit_log_no_rewrite");
    expect(altered(sql)).not.toBe(sql);
    await run(ledger, "DROP TRIGGER audit_log_no_rewrite");
    await run(ledger, altered(sql));
    expect(await missing()).toEqual(["audit_log_no_rewrite"]);
  });

  it("takes a guard with other white space for the same", async () => {
    await run(ledger, "DROP TRIGGER ledger_base_no_delete");
    await run(ledger, original("ledger_base_no_delete").replaceAll(" BEGIN ", "\r\n  BEGIN\n\t"));
    expect(await missing()).toEqual([]);
  });

  it("S4-4 names every guard of a table that was renamed away", async () => {
    await run(ledger, "ALTER TABLE audit_log RENAME TO audit_log_old");
    const ofTable = Object.keys(LEDGER_GUARDS).filter((name) => name.startsWith("audit_log"));
    expect(ofTable.length).toBeGreaterThan(0);
    expect(await missing()).toEqual(expect.arrayContaining(ofTable));
    await run(ledger, "ALTER TABLE audit_log_old RENAME TO audit_log");
  });
});

describe("without the guards", () => {
  it("S2-17 a fake row in the middle still breaks the next link", async () => {
    const domainId = newId("domain");
    const rows = chainOf(6, { domain: domainId });
    const store = new D1LedgerStore(ledger, domainId);
    await store.insert(rows, rows[0]?.prevHash ?? "");
    for (const name of Object.keys(LEDGER_GUARDS)) await run(ledger, `DROP TRIGGER ${name}`);
    const payload = (rows[3]?.payload ?? "").replace("success", "failure");
    const fake = relinked(
      rows.map((row) => (row.seq === 3 ? { ...row, payload } : row)),
      3,
    )[3];
    if (!fake) throw new Error("no fake row");
    const replace = "REPLACE INTO audit_log VALUES (?, ?, ?, unhex(?), unhex(?), ?)";
    await run(ledger, replace, ...valuesOf(domainId, fake));
    const verifier = new ChainVerifier(sha256, domainId);
    for (const row of await store.rows({ fromSeq: 0, toSeq: 5, limit: 10 })) verifier.feed(row);
    expect(verifier.finding).toMatchObject({ seq: 4, fault: "prev_hash_mismatch" });
  });
});
