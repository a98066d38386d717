/** Entry hashes alone, over the ledger shards of a domain (D1): what the leaves of its tree are. */
import type { LedgerHashes } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

const SQL = `SELECT seq, lower(hex(entry_hash)) AS entryHash FROM audit_log
  WHERE domain_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq`;

export class D1LedgerHashes implements LedgerHashes {
  readonly #shards: () => readonly D1Database[];
  readonly #domainId: string;

  constructor(shards: () => readonly D1Database[], domainId: string) {
    this.#shards = shards;
    this.#domainId = domainId;
  }

  async hashes(fromSeq: number, toSeq: number): Promise<{ seq: number; entryHash: string }[]> {
    const found = await Promise.all(
      this.#shards().map(async (db) => {
        try {
          const statement = db.prepare(SQL).bind(this.#domainId, fromSeq, toSeq);
          return (await statement.all<{ seq: number; entryHash: string }>()).results;
        } catch (error) {
          throw storeUnavailable("ledger", error);
        }
      }),
    );
    return found.flat().sort((a, b) => a.seq - b.seq);
  }
}
