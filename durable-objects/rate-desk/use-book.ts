/** What the object that counts for a tenant keeps: the tenant's limits, its tier as last seen, when each key was last used. */
import type { RateSettings } from "../../src/services/rates/limits.ts";
import type { Tiered } from "../../src/services/tiers.ts";

export interface KnownLimits {
  version: number;
  settings: RateSettings;
  /** Null: nobody has said yet. */
  tenant: Tiered | null;
}

/** Makes its tables with the first write: an object that was never told anything, or was emptied, stores nothing. */
export class UseBook {
  readonly #storage: DurableObjectStorage;
  #made: boolean;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    const found = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'key_use'").toArray();
    this.#made = found.length > 0;
  }

  limits(): KnownLimits {
    const [row] = this.#made
      ? this.#storage.sql.exec<{ known: string }>("SELECT known FROM known_limits WHERE id = 0").toArray()
      : [];
    return row ? JSON.parse(row.known) : { version: 0, settings: {}, tenant: null };
  }

  putLimits(known: KnownLimits): void {
    this.#make();
    this.#storage.sql.exec("INSERT OR REPLACE INTO known_limits (id, known) VALUES (0, ?)", JSON.stringify(known));
  }

  uses(): Map<string, number> {
    if (!this.#made) return new Map();
    const rows = this.#storage.sql.exec<{ key_id: string; used_at_ms: number }>(
      "SELECT key_id, used_at_ms FROM key_use",
    );
    return new Map(rows.toArray().map((row) => [row.key_id, row.used_at_ms]));
  }

  putUses(uses: ReadonlyMap<string, number>): void {
    this.#make();
    this.#storage.transactionSync(() => {
      for (const [keyId, atMs] of uses) {
        this.#storage.sql.exec("INSERT OR REPLACE INTO key_use (key_id, used_at_ms) VALUES (?, ?)", keyId, atMs);
      }
    });
  }

  forgetUses(keyIds: readonly string[]): void {
    this.#storage.transactionSync(() => {
      for (const keyId of keyIds) this.#storage.sql.exec("DELETE FROM key_use WHERE key_id = ?", keyId);
    });
  }

  async empty(): Promise<void> {
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
    this.#made = false;
  }

  #make(): void {
    if (this.#made) return;
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        "CREATE TABLE IF NOT EXISTS known_limits (id INTEGER PRIMARY KEY CHECK (id = 0), known TEXT NOT NULL) STRICT",
      );
      this.#storage.sql.exec(
        "CREATE TABLE IF NOT EXISTS key_use (key_id TEXT PRIMARY KEY, used_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      );
    });
    this.#made = true;
  }
}
