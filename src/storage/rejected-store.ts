/** Counts of what was refused, in D1 control. Every statement names the domain. */
import { LIMITS } from "../core/limits.ts";
import type { RejectedCount, RejectedStore } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

const ADD = `INSERT INTO rejected_event
    (domain_id, code, action, pointer, schema_version, credential_id, count, first_at, last_at)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM domain WHERE id = ?1)
  ON CONFLICT (domain_id, code, action, pointer, schema_version, credential_id) DO UPDATE SET
    count = count + excluded.count, last_at = max(last_at, excluded.last_at)`;

/** The ones seen longest ago go. */
const TRIM = `DELETE FROM rejected_event WHERE domain_id = ?1 AND last_at < (
  SELECT min(last_at) FROM (
    SELECT last_at FROM rejected_event WHERE domain_id = ?1 ORDER BY last_at DESC LIMIT ${LIMITS.rejectedKinds}))`;

const LIST = `SELECT domain_id AS domainId, code, action, pointer, schema_version AS schemaVersion,
    credential_id AS credentialId, count, first_at AS firstAt, last_at AS lastAt
  FROM rejected_event WHERE domain_id = ?1 ORDER BY last_at DESC LIMIT ${LIMITS.rejectedKinds}`;

export class D1RejectedStore implements RejectedStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  async add(counts: readonly RejectedCount[]): Promise<void> {
    if (counts.length === 0) return;
    const statements = counts.map((each) =>
      this.#db
        .prepare(ADD)
        .bind(
          each.domainId,
          each.code,
          each.action,
          each.pointer,
          each.schemaVersion,
          each.credentialId,
          each.count,
          each.firstAt,
          each.lastAt,
        ),
    );
    const domains = new Set(counts.map(({ domainId }) => domainId));
    const trims = [...domains].map((domainId) => this.#db.prepare(TRIM).bind(domainId));
    await asking(() => this.#db.batch([...statements, ...trims]));
  }

  async list(domainId: string): Promise<RejectedCount[]> {
    const { results } = await asking(() => this.#db.prepare(LIST).bind(domainId).all<RejectedCount>());
    return results;
  }
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    throw storeUnavailable("control", error);
  });
}
