/** Whose the rows of each table are, and which statements may reach over tenants, each with the reason. */
import type { Scopes } from "./tenant-predicate.ts";

/** Every table of schema.ts; one that is missing here is a fault. */
export const SCOPES: Scopes = {
  tenant: ["id"],
  domain: ["id", "tenant_id"],
  ledger_shard: ["domain_id"],
  api_key: ["tenant_id"],
  provisioned_resource: "cell",
  backup_bookmark: "cell",
  service_account: ["tenant_id"],
  tenant_key_service: ["tenant_id"],
  legal_hold_words: ["tenant_id"],
  event_type: ["tenant_id"],
  event_type_version: ["tenant_id"],
  rejected_event: ["domain_id"],
  data_retention_policies: ["tenant_id"],
  audit_log: ["domain_id"],
  ledger_base: ["domain_id"],
  ledger_release: ["domain_id"],
  ledger_hold: ["domain_id"],
  audit_private_value: ["domain_id"],
  audit_subject_pii: ["domain_id"],
  audit_index: ["domain_id"],
  // The number of a domain in its shard, which audit_index gives.
  audit_posting: ["number"],
  audit_tally: ["number"],
};

/**
 * Every other object is one tenant's, one domain's or one log's, so its own storage holds nobody else's rows. The one object
 * of a cell holds rows of all tenants: each of its tables is here, with what it holds; one that is not is a fault.
 */
export const CELL_DESK_TABLES: Readonly<Record<string, string>> = {
  domain_seen: "sizes and backlogs of domains, for the operator's status",
  gauge: "sizes of the ledger shards",
  head_recorded: "sizes and roots of domains that the platform's log has already told of",
  export_seen: "when a tenant's own copy of a domain was last made, for the same",
  archive_seen: "how far the archives of domains are, for the daily look at what could be restored",
  job_state: "when each job of the cell last succeeded and failed",
  job_run: "runs of those jobs",
  late_task: "in which domains and tenants work was seen to be late",
  open_change: "which tenants have a change that is not finished, and since when",
  alert: "alerts of the cell about itself: kinds, codes, ids of domains and tenants",
  alert_notice: "what of an alert is still to be told to the platform's log",
  alert_webhook: "what of an alert is still to be told to the operator's receiver",
  alert_delivery: "one message to the operator's receiver about alerts that read alike",
  alert_pace: "until when a receiver, a log or a kind of alert is left alone",
  probe: "the last report of each probe outside",
  probe_day: "how many reports of a probe came on each day",
  slot_walk: "how far the rotation of a slot has come",
  slot_seen: "which tenants that rotation has passed",
  tenant_deletion: "which tenants are being deleted or were, with their certificates",
  mail_index: "keyed hash of an address → tenants: somebody who logs in has named no tenant yet",
  mail_index_revision: "how new each tenant's part of that index is",
  login_wish: "keyed hashes of addresses that asked for a link, until it is sent",
  mail_count: "how many mails an address got lately",
  known_browser: "hashes of browsers that an address has used",
  device: "codes of devices that wait for an approval, as hashes",
  outbox: "mails of a local run, which sends none",
};

export interface Exception {
  file: string;
  /** Part of the statement, white space folded. */
  has: string;
  why: string;
}

/** What reaches over tenants, or is put together where a checker cannot read it. One that fits nothing is a fault. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    file: "src/storage/control-store.ts",
    has: ".from(tenant).where(gt(tenant.id, afterId))",
    why: "the operator's list of tenants (tenant.list)",
  },
  {
    file: "src/storage/control-store.ts",
    has: ".from(domain).where(gt(domain.id, afterId))",
    why: "cron wakes the domains of all tenants",
  },
  {
    file: "src/storage/control-store.ts",
    has: ".from(apiKey).where(eq(apiKey.id, keyId))",
    why: "who asks is found by the key itself, before any tenant is known; the secret is compared afterwards",
  },
  {
    file: "src/storage/tenant-sweep-sql.ts",
    has: "FROM ⟨table⟩ WHERE domain_id = ?1",
    why: "the tables of LEDGER_SWEEP, each of whose statements is read itself",
  },
  {
    file: "src/storage/tenant-sweep.ts",
    has: "FROM ⟨table⟩ WHERE ⟨where⟩",
    why: "the tables and predicates of RECORD_TABLES, which are put together and read below",
  },
];
