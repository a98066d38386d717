/** Slots as the cell's object keeps them: since when it has seen each version, and how their rotation goes. Never a key. */
import { SLOT_NAMES, type SlotName } from "../../src/crypto/key-registry.ts";
import type { SlotKeys } from "../../src/crypto/slot-keys.ts";
import type { SlotVersion } from "../../src/services/keys/slots/calls.ts";
import type { SlotWalk, SlotWalkBook } from "../../src/services/keys/slots/rotate.ts";

export class SlotBook implements SlotWalkBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS slot_walk (slot TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID",
    );
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS slot_seen (
      slot TEXT NOT NULL, version INTEGER NOT NULL, since TEXT NOT NULL, PRIMARY KEY (slot, version)) STRICT, WITHOUT ROWID`);
  }

  get(slot: SlotName): SlotWalk | null {
    const [row] = this.#sql.exec<{ state: string }>("SELECT state FROM slot_walk WHERE slot = ?", slot).toArray();
    return row ? (JSON.parse(row.state) as SlotWalk) : null;
  }

  set(walk: SlotWalk): void {
    this.#sql.exec(
      "INSERT INTO slot_walk (slot, state) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET state = excluded.state",
      walk.slot,
      JSON.stringify(walk),
    );
  }

  /** Every version that the cell has now, by the slots' numbers. */
  seen(slots: SlotKeys, nowMs: number): SlotVersion[] {
    const now = new Date(nowMs).toISOString();
    return SLOT_NAMES.flatMap((slot) =>
      slots.versions(slot).map((version) => {
        this.#sql.exec("INSERT OR IGNORE INTO slot_seen (slot, version, since) VALUES (?, ?, ?)", slot, version, now);
        const sql = "SELECT since FROM slot_seen WHERE slot = ? AND version = ?";
        return { slot, version, seenSince: this.#sql.exec<{ since: string }>(sql, slot, version).one().since };
      }),
    );
  }
}
