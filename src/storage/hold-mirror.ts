/** The mirror of a domain's legal holds in its ledger shards (D1): what their guard against deletion reads. */
import { AppError } from "../core/errors.ts";
import type { HoldMirror, HoldRange } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

const REMOVE = "DELETE FROM ledger_hold WHERE domain_id = ?1 AND hold_id = ?2";
const INSERT = `INSERT INTO ledger_hold (hold_id, domain_id, from_seq, to_seq)
  SELECT ?2, ?1, e.value ->> 0, e.value ->> 1 FROM json_each(?3) e`;
const READ =
  "SELECT from_seq AS fromSeq, to_seq AS toSeq FROM ledger_hold WHERE domain_id = ?1 AND hold_id = ?2 ORDER BY from_seq";

/** Jumps from one pseudonym to the next in the primary key, and probes each: no scan, however many entries one has. */
const PEOPLE = `WITH RECURSIVE person (subject, nth) AS (
    SELECT (SELECT min(subject) FROM audit_private_value WHERE domain_id = ?1 AND subject > unhex(?2)), 1
    UNION ALL
    SELECT (SELECT min(subject) FROM audit_private_value v WHERE v.domain_id = ?1 AND v.subject > person.subject), nth + 1
    FROM person WHERE person.subject IS NOT NULL AND nth < ?5)
  SELECT lower(hex(subject)) AS pseudonym,
    EXISTS (SELECT 1 FROM audit_private_value v
            WHERE v.domain_id = ?1 AND v.subject = person.subject AND v.seq BETWEEN ?3 AND ?4) AS named
  FROM person WHERE subject IS NOT NULL ORDER BY subject`;

export class D1HoldMirror implements HoldMirror {
  readonly #shards: () => readonly D1Database[];
  readonly #domainId: string;

  /** `shards` is asked each time: a domain may go on in another one. */
  constructor(shards: () => readonly D1Database[], domainId: string) {
    this.#shards = shards;
    this.#domainId = domainId;
  }

  async set(holdId: string, ranges: readonly HoldRange[]): Promise<void> {
    const wanted = JSON.stringify(ranges.map(({ fromSeq, toSeq }) => [fromSeq, toSeq]));
    for (const db of this.#shards()) {
      const results = await asking(() =>
        db.batch<HoldRange>([
          db.prepare(REMOVE).bind(this.#domainId, holdId),
          db.prepare(INSERT).bind(this.#domainId, holdId, wanted),
        ]),
      );
      if (results.some(({ success }) => !success)) throw new AppError("storage.unavailable");
      const { results: stored } = await asking(() => db.prepare(READ).bind(this.#domainId, holdId).all<HoldRange>());
      if (JSON.stringify(stored.map(({ fromSeq, toSeq }) => [fromSeq, toSeq])) !== wanted) {
        throw new AppError("storage.unavailable", { internal: "ledger: a hold is not mirrored as it was written" });
      }
    }
  }

  async peopleIn(
    range: HoldRange,
    after: string,
    limit: number,
  ): Promise<{ pseudonyms: string[]; next: string | null }> {
    const pages = await Promise.all(
      this.#shards().map(async (db) => {
        const bound = db.prepare(PEOPLE).bind(this.#domainId, after, range.fromSeq, range.toSeq, limit);
        const { results } = await asking(() => bound.all<{ pseudonym: string; named: number }>());
        return { results, last: results.length === limit ? (results.at(-1)?.pseudonym ?? null) : null };
      }),
    );
    // Shards go on together: from the first place where one of them stopped.
    const next = pages.flatMap(({ last }) => last ?? []).sort()[0] ?? null;
    const named = pages.flatMap(({ results }) => results.filter((row) => row.named === 1));
    const reached = named.map(({ pseudonym }) => pseudonym).filter((each) => next === null || each <= next);
    return { pseudonyms: [...new Set(reached)].sort(), next };
  }
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw storeUnavailable("ledger", error);
  }
}
