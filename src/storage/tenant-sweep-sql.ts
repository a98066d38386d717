/**
 * The tables of a cell's databases as a tenant's deletion sees them. test/storage/tenant-sweep.test.ts compares them with
 * schema.ts: every table is deleted from here, or named as one that keeps ids and hashes only.
 */
import { LIMITS } from "../core/limits.ts";

const rows = LIMITS.deletionRows;
const postings = LIMITS.deletionPostings;

const NUMBER = "(SELECT number FROM audit_index WHERE domain_id = ?1)";
/** A bounded piece of a domain's index. */
export const DROP_POSTINGS = `DELETE FROM audit_posting WHERE number = ${NUMBER} AND (term, at, seq) <= (SELECT term, at, seq FROM (
        SELECT term, at, seq FROM audit_posting WHERE number = ${NUMBER} ORDER BY term, at, seq LIMIT ${postings})
      ORDER BY term DESC, at DESC, seq DESC LIMIT 1)`;
export const DROP_TALLIES = `DELETE FROM audit_tally WHERE number = ${NUMBER} AND (kind, day, value) <= (SELECT kind, day, value FROM (
        SELECT kind, day, value FROM audit_tally WHERE number = ${NUMBER} ORDER BY kind, day, value LIMIT ${rows})
      ORDER BY kind DESC, day DESC, value DESC LIMIT 1)`;

/**
 * One bounded statement a table, `?1` the domain. The sealed ones first; the entries only through their release; the index
 * after them, so that nobody fills it again. `under`: another table's row stays until all of this one's are gone.
 */
export const LEDGER_SWEEP: readonly { table: string; sql: string; under?: string }[] = [
  {
    table: "audit_private_value",
    sql: `DELETE FROM audit_private_value WHERE domain_id = ?1 AND (subject, seq) <= (SELECT subject, seq FROM (
        SELECT subject, seq FROM audit_private_value WHERE domain_id = ?1 ORDER BY subject, seq LIMIT ${rows})
      ORDER BY subject DESC, seq DESC LIMIT 1)`,
  },
  {
    table: "audit_subject_pii",
    sql: `DELETE FROM audit_subject_pii WHERE domain_id = ?1 AND pseudonym <= (SELECT max(pseudonym) FROM (
        SELECT pseudonym FROM audit_subject_pii WHERE domain_id = ?1 ORDER BY pseudonym LIMIT ${rows}))`,
  },
  {
    table: "audit_log",
    sql: `DELETE FROM audit_log WHERE domain_id = ?1
      AND seq < (SELECT min(seq) FROM audit_log WHERE domain_id = ?1) + ${rows}`,
  },
  {
    table: "audit_posting",
    under: "audit_index",
    sql: DROP_POSTINGS,
  },
  {
    table: "audit_tally",
    under: "audit_index",
    sql: DROP_TALLIES,
  },
  {
    table: "audit_index",
    sql: `DELETE FROM audit_index WHERE domain_id = ?1
      AND NOT EXISTS (SELECT 1 FROM audit_log WHERE domain_id = ?1)
      AND NOT EXISTS (SELECT 1 FROM audit_posting WHERE number = audit_index.number)
      AND NOT EXISTS (SELECT 1 FROM audit_tally WHERE number = audit_index.number)`,
  },
];

const ALL = Number.MAX_SAFE_INTEGER;

/** Opens the gate of `audit_log_no_delete` for a domain that has entries in this shard, once; a hold in D1 still closes it. */
export const RELEASE = `INSERT INTO ledger_release (domain_id, from_seq, to_seq, reason, released_at)
  SELECT ?1, 0, ${ALL}, 'tenant_deletion', ?2 WHERE EXISTS (SELECT 1 FROM audit_log WHERE domain_id = ?1)
    AND NOT EXISTS (SELECT 1 FROM ledger_release WHERE domain_id = ?1 AND from_seq = 0 AND to_seq = ${ALL})`;

/** Whether the domain `?1` has a row. */
export const ROWS_LEFT = LEDGER_SWEEP.filter(({ under }) => !under)
  .map(({ table }) => `SELECT * FROM (SELECT 1 FROM ${table} WHERE domain_id = ?1 LIMIT 1)`)
  .join(" UNION ALL ");

/**
 * Ledger tables whose rows stay: no guard lets them go, and they hold a domain's id, seqs and the hash before its first entry.
 * `ledger_release` keeps the gate open for rows that a restore of the database brings back. Holds in `ledger_hold` keep rows,
 * so a deletion that meets one does not go on.
 */
export const KEPT_TABLES = ["ledger_base", "ledger_release", "ledger_hold"] as const;

const OWN_DOMAINS = "domain_id IN (SELECT id FROM domain WHERE tenant_id = ?1)";

/** Control tables, each before the ones that it refers to. `?1` is the tenant. */
export const RECORD_TABLES: readonly { table: string; where: string }[] = [
  { table: "legal_hold_words", where: "tenant_id = ?1" },
  { table: "tenant_key_service", where: "tenant_id = ?1" },
  { table: "api_key", where: "tenant_id = ?1" },
  { table: "service_account", where: "tenant_id = ?1" },
  { table: "rejected_event", where: OWN_DOMAINS },
  { table: "event_type_version", where: "tenant_id = ?1" },
  { table: "event_type", where: "tenant_id = ?1" },
  { table: "data_retention_policies", where: "tenant_id = ?1" },
  { table: "ledger_shard", where: OWN_DOMAINS },
  { table: "domain", where: "tenant_id = ?1" },
  { table: "tenant", where: "id = ?1" },
];
