/** What somebody with write access to a ledger's database can do to it. For a stopped cell: works on the file itself. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { flipped, type Row } from "./forge.ts";
import { d1File, withDatabase } from "./places.ts";

export type Column = "domain_id" | "seq" | "id" | "prev_hash" | "entry_hash" | "payload";

/** Drops every guard, lets `attack` work, and puts the guards back word for word, so that none is missed afterwards. */
export function attackLedger<T>(state: string, jurisdiction: Jurisdiction, attack: (ledger: EvilLedger) => T): T {
  return withDatabase(d1File(state, "LEDGER_00", jurisdiction), (database) => {
    const guards = database.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all();
    if (guards.length === 0) throw new Error("the ledger has no guards to drop");
    for (const { name } of guards) database.exec(`DROP TRIGGER ${name}`);
    try {
      return attack(new EvilLedger(database));
    } finally {
      for (const { sql } of guards) database.exec(String(sql));
    }
  });
}

export class EvilLedger {
  readonly database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  rows(domainId: string): Row[] {
    const sql = `SELECT seq, id, lower(hex(prev_hash)) AS prevHash, lower(hex(entry_hash)) AS entryHash, payload
      FROM audit_log WHERE domain_id = ? ORDER BY seq`;
    return this.database.prepare(sql).all(domainId) as unknown as Row[];
  }

  /** Runs one statement that has to change something. */
  run(sql: string, ...values: SQLInputValue[]): void {
    if (this.database.prepare(sql).run(...values).changes === 0) throw new Error(`changed nothing: ${sql}`);
  }

  /** One bit of one column the other way, counted from the lowest bit of the first byte (of `seq`: of the number). */
  flipBit(domainId: string, seq: number, column: Column, bit: number): void {
    const where = "WHERE domain_id = ? AND seq = ?";
    if (column === "seq") return this.run(`UPDATE audit_log SET seq = ? ${where}`, seq ^ (1 << bit), domainId, seq);
    const row = this.database
      .prepare(`SELECT CAST(${column} AS BLOB) AS bytes FROM audit_log ${where}`)
      .get(domainId, seq);
    const bytes = flipped(row?.bytes as Uint8Array, bit);
    const type = column === "prev_hash" || column === "entry_hash" ? "BLOB" : "TEXT";
    this.run(`UPDATE audit_log SET ${column} = CAST(? AS ${type}) ${where}`, bytes, domainId, seq);
  }

  delete(domainId: string, seq: number): void {
    this.run("DELETE FROM audit_log WHERE domain_id = ? AND seq = ?", domainId, seq);
  }

  /** The rows change places: each gets the other's seq, and keeps everything else. */
  swap(domainId: string, a: number, b: number): void {
    const move = "UPDATE audit_log SET seq = ? WHERE domain_id = ? AND seq = ?";
    const aside = 2 ** 40;
    this.run(move, aside, domainId, a);
    this.run(move, a, domainId, b);
    this.run(move, b, domainId, aside);
  }

  /** A copy of a row after it; what follows moves up by one. Needs a table without its UNIQUE constraints. */
  duplicate(domainId: string, seq: number): void {
    this.dropConstraints();
    this.run("UPDATE audit_log SET seq = seq + 1 WHERE domain_id = ? AND seq > ?", domainId, seq);
    this.run(
      `INSERT INTO audit_log SELECT domain_id, seq + 1, id, prev_hash, entry_hash, payload
       FROM audit_log WHERE domain_id = ? AND seq = ?`,
      domainId,
      seq,
    );
  }

  cutTail(domainId: string, size: number): void {
    this.run("DELETE FROM audit_log WHERE domain_id = ? AND seq >= ?", domainId, size);
  }

  /** Exactly these rows, and no others, stand for the domain afterwards. */
  replace(domainId: string, rows: readonly Row[]): void {
    this.run("DELETE FROM audit_log WHERE domain_id = ?", domainId);
    for (const { seq, id, prevHash, entryHash, payload } of rows) {
      this.run(
        "INSERT INTO audit_log VALUES (?, ?, ?, unhex(?), unhex(?), ?)",
        domainId,
        seq,
        id,
        prevHash,
        entryHash,
        payload,
      );
    }
  }

  /** The same table with the same rows and nothing that refuses any. */
  dropConstraints(): void {
    this.database.exec(
      "CREATE TABLE lax (domain_id TEXT, seq INTEGER, id TEXT, prev_hash BLOB, entry_hash BLOB, payload TEXT)",
    );
    this.database.exec("INSERT INTO lax SELECT * FROM audit_log");
    this.database.exec("DROP TABLE audit_log");
    this.database.exec("ALTER TABLE lax RENAME TO audit_log");
  }
}
