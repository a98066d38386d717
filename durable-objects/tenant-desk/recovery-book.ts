/** Recoveries of a tenant in its object's SQLite (`RecoveryBook` of src/services/access/recovery). */
import { asSealed, type Sealed } from "../../src/crypto/sealed.ts";
import type { RecoveryBook, SealedRecoveryWords } from "../../src/services/access/recovery/desk.ts";
import type { Recovery } from "../../src/services/access/recovery/recovery.ts";

type Row = { id: string; reason: ArrayBuffer; address: ArrayBuffer | null };

export class SqliteRecoveryBook implements RecoveryBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS recovery (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, waiting INTEGER NOT NULL, state TEXT NOT NULL,
      reason BLOB NOT NULL, address BLOB) STRICT`);
  }

  add(recovery: Recovery, { reason, address }: SealedRecoveryWords): void {
    this.#sql.exec(
      "INSERT INTO recovery (id, waiting, state, reason, address) VALUES (?, 1, ?, ?, ?)",
      ...[recovery.id, JSON.stringify(recovery), reason, address],
    );
  }

  put(recovery: Recovery): void {
    this.#sql.exec(
      "UPDATE recovery SET waiting = 0, state = ?, address = NULL WHERE id = ?",
      JSON.stringify(recovery),
      recovery.id,
    );
  }

  waiting(): Recovery | null {
    return this.#read("WHERE waiting = 1")[0] ?? null;
  }

  newest(limit: number): Recovery[] {
    return this.#read("ORDER BY number DESC LIMIT ?", limit);
  }

  words(id: string): { reason: Sealed<"records">; address: Sealed<"contact"> | null } | null {
    return this.all().find((row) => row.id === id) ?? null;
  }

  /** Of all, for sealing them anew. There are few. */
  all(): { id: string; reason: Sealed<"records">; address: Sealed<"contact"> | null }[] {
    return this.#sql
      .exec<Row>("SELECT id, reason, address FROM recovery")
      .toArray()
      .map(({ id, reason, address }) => ({
        id,
        reason: asSealed("records", new Uint8Array(reason)),
        address: address && asSealed("contact", new Uint8Array(address)),
      }));
  }

  setReason(id: string, sealed: Sealed<"records">): void {
    this.#sql.exec("UPDATE recovery SET reason = ? WHERE id = ?", sealed, id);
  }

  /** Unless it is over meanwhile: what was forgotten stays so. */
  setAddress(id: string, sealed: Sealed<"contact">): void {
    this.#sql.exec("UPDATE recovery SET address = ? WHERE id = ? AND waiting = 1", sealed, id);
  }

  #read(where: string, ...values: number[]): Recovery[] {
    return this.#sql
      .exec<{ state: string }>(`SELECT state FROM recovery ${where}`, ...values)
      .toArray()
      .map(({ state }) => JSON.parse(state));
  }
}
