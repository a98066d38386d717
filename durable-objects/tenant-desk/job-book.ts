/** Jobs that are not finished, in the object's SQLite. No secret of a key is among them, only its MAC. */
import { fromHex, toHex } from "../../src/core/bytes.ts";
import type { Job } from "../../src/services/tenancy/jobs.ts";

export class JobBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL) STRICT");
  }

  write(job: Job): number {
    const json = JSON.stringify(job, (_, value) => (value instanceof Uint8Array ? { hex: toHex(value) } : value));
    return this.#sql.exec<{ id: number }>("INSERT INTO job (job) VALUES (?) RETURNING id", json).one().id;
  }

  all(): { id: number; job: Job }[] {
    const rows = this.#sql.exec<{ id: number; job: string }>("SELECT id, job FROM job ORDER BY id").toArray();
    return rows.map(({ id, job }) => ({ id, job: JSON.parse(job, revive) }));
  }

  /** The oldest that is not finished; null: all are. */
  oldest(): number | null {
    return this.#sql.exec<{ id: number | null }>("SELECT min(id) AS id FROM job").one().id;
  }

  count(): number {
    return this.#sql.exec<{ jobs: number }>("SELECT count(*) AS jobs FROM job").one().jobs;
  }

  isOpen(id: number): boolean {
    return this.#sql.exec("SELECT 1 FROM job WHERE id = ?", id).toArray().length > 0;
  }

  finish(id: number): void {
    this.#sql.exec("DELETE FROM job WHERE id = ?", id);
  }
}

function revive(_: string, value: unknown): unknown {
  const hex = typeof value === "object" && value !== null && "hex" in value ? value.hex : null;
  return typeof hex === "string" ? fromHex(hex) : value;
}
