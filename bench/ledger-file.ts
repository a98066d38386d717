/** Reads a ledger straight from its database file, past the product and its runtime. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ChainRow } from "../src/verifier/chain.ts";

const PAGE = 5000;

export function openLedger(state: string): DatabaseSync {
  const files = readdirSync(state, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.includes("D1DatabaseObject") && name.endsWith(".sqlite"),
  );
  for (const name of files) {
    const database = new DatabaseSync(path.join(state, name), { readOnly: true });
    const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'audit_log'").get();
    if (table) return database;
    database.close();
  }
  throw new Error(`no ledger among the databases in ${state}`);
}

const SELECT = `SELECT seq, id, lower(hex(prev_hash)) AS prevHash, lower(hex(entry_hash)) AS entryHash, payload
  FROM audit_log WHERE domain_id = ? AND seq >= ? ORDER BY seq LIMIT ${PAGE}`;

/** All rows of a domain from `fromSeq` on. */
export function* rowsOf(ledger: DatabaseSync, domainId: string, fromSeq: number): Generator<ChainRow> {
  const statement = ledger.prepare(SELECT);
  for (let next = fromSeq; ; ) {
    const page = statement.all(domainId, next) as unknown as ChainRow[];
    yield* page;
    if (page.length < PAGE) return;
    next = (page.at(-1) as ChainRow).seq + 1;
  }
}
