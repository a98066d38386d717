/** The guards that a ledger must have before anything is written to it (migrations/ledger/0002_guards.sql). */
export const LEDGER_GUARDS = [
  "audit_log_no_update",
  "audit_log_no_delete",
  "audit_log_no_rewrite",
  "audit_log_no_second_id",
  "audit_log_no_second_hash",
  "audit_log_chain",
  "audit_log_caveat_names",
  "ledger_base_no_update",
  "ledger_base_no_delete",
  "ledger_base_no_rewrite",
  "ledger_release_no_update",
  "ledger_release_no_delete",
  "ledger_release_no_rewrite",
] as const;
