/** The tables of a cell's databases. The SQL in `migrations/` is compared with this by test/storage/schema.test.ts. */
import { sql } from "drizzle-orm";
import { blob, index, integer, primaryKey, sqliteTable, text, unique, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { ActionCategory, ActionSensitivity, PersonField } from "../core/actions/action.ts";
import type { DomainSettings } from "../core/domain-settings.ts";
import type { SchemaJson } from "../core/event-schema/vet.ts";
import type { Jurisdiction } from "../core/ids.ts";
import type { KeyServiceSettings, KeyServiceState } from "../core/key-service.ts";
import type { ResourceName } from "../core/retention/resources.ts";
import type { Permission, Tier } from "../services/permissions.ts";
import type { DomainKind, TallyKind, TenantSettings } from "../services/ports.ts";
import { sealedColumn } from "./sealed-column.ts";

export const tenant = sqliteTable("tenant", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  jurisdiction: text("jurisdiction").$type<Jurisdiction>().notNull(),
  tier: text("tier").$type<Tier>().notNull(),
  tenantDomainId: text("tenant_domain_id").notNull().unique(),
  createdAt: text("created_at").notNull(),
  /** NULL: nothing was set. */
  settings: text("settings", { mode: "json" }).$type<TenantSettings>(),
});

export const domain = sqliteTable(
  "domain",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    name: text("name").notNull(),
    kind: text("kind").$type<DomainKind>().notNull(),
    segmentEntries: integer("segment_entries").notNull(),
    createdAt: text("created_at").notNull(),
    /** NULL: nothing was set. */
    settings: text("settings", { mode: "json" }).$type<Partial<DomainSettings>>(),
  },
  (table) => [unique("domain_name").on(table.tenantId, table.name)],
);

export const ledgerShard = sqliteTable(
  "ledger_shard",
  {
    domainId: text("domain_id")
      .notNull()
      .references(() => domain.id),
    fromSeq: integer("from_seq").notNull(),
    shard: text("shard").notNull(),
  },
  (table) => [primaryKey({ columns: [table.domainId, table.fromSeq] })],
);

/** Never edited: what was decided stands beside what was decided before it (src/services/retention/policy.ts). */
export const dataRetentionPolicies = sqliteTable(
  "data_retention_policies",
  {
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    version: integer("version").notNull(),
    domainId: text("domain_id").references(() => domain.id),
    resource: text("resource").$type<ResourceName>().notNull(),
    duration: text("duration"),
    effectiveFrom: text("effective_from").notNull(),
    setAt: text("set_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.version] })],
);

export const serviceAccount = sqliteTable(
  "service_account",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    name: text("name").notNull(),
    description: text("description"),
    createdAt: text("created_at").notNull(),
    removedAt: text("removed_at"),
  },
  (table) => [index("service_account_tenant").on(table.tenantId, table.id)],
);

export const apiKey = sqliteTable(
  "api_key",
  {
    id: text("id").primaryKey(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    name: text("name").notNull(),
    permissions: text("permissions", { mode: "json" }).$type<Permission[]>().notNull(),
    secretMac: blob("secret_mac", { mode: "buffer" }).notNull(),
    createdAt: text("created_at").notNull(),
    expiresAt: text("expires_at"),
    revokedAt: text("revoked_at"),
    description: text("description"),
    /** NULL: from anywhere. */
    allowedNetworks: text("allowed_networks", { mode: "json" }).$type<string[]>(),
    serviceAccountId: text("service_account_id").references(() => serviceAccount.id),
    replaces: text("replaces"),
  },
  (table) => [index("api_key_tenant").on(table.tenantId, table.id)],
);

export const provisionedResource = sqliteTable("provisioned_resource", {
  resource: text("resource").primaryKey(),
  jurisdiction: text("jurisdiction").notNull(),
  readBackAt: text("read_back_at").notNull(),
});

/** What Time Travel would restore each database to. Written by the operator's tool, read through `bookmark-store.ts`. */
export const backupBookmark = sqliteTable("backup_bookmark", {
  binding: text("binding").primaryKey(),
  bookmark: text("bookmark").notNull(),
  recordedAt: text("recorded_at").notNull(),
});

/** Services that wrap a tenant's keys (S3-41). Written through `key-service-store.ts`. */
export const tenantKeyService = sqliteTable(
  "tenant_key_service",
  {
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    service: integer("service").notNull(),
    kind: text("kind").$type<KeyServiceSettings["kind"]>().notNull(),
    settings: text("settings", { mode: "json" }).$type<KeyServiceSettings>().notNull(),
    credentials: sealedColumn("api_credentials")("credentials").notNull(),
    createdAt: text("created_at").notNull(),
    retiredAt: text("retired_at"),
    state: text("state").$type<KeyServiceState>().notNull(),
    checkedAt: text("checked_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.service] }),
    uniqueIndex("tenant_key_service_active").on(table.tenantId).where(sql`retired_at IS NULL`),
  ],
);

/** What is said about legal holds. Written through `hold-words-store.ts`. */
export const legalHoldWords = sqliteTable(
  "legal_hold_words",
  {
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    holdId: text("hold_id").notNull(),
    change: integer("change").notNull(),
    sealed: sealedColumn("records")("sealed").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.holdId, table.change] })],
);

/** Action types of a tenant's own. Written through `event-type-store.ts`. */
export const eventType = sqliteTable(
  "event_type",
  {
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    action: text("action").notNull(),
    newest: integer("newest").notNull(),
    createdAt: text("created_at").notNull(),
    withdrawnAt: text("withdrawn_at"),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.action] })],
);

/** Never changed. `number` grows over all tenants, so that what is newer than what is known can be asked for. */
export const eventTypeVersion = sqliteTable(
  "event_type_version",
  {
    number: integer("number").primaryKey(),
    tenantId: text("tenant_id")
      .notNull()
      .references(() => tenant.id),
    action: text("action").notNull(),
    version: integer("version").notNull(),
    description: text("description").notNull(),
    category: text("category").$type<ActionCategory>().notNull(),
    does: text("does").$type<"read" | "write">().notNull(),
    sensitivity: text("sensitivity").$type<ActionSensitivity>().notNull(),
    people: text("people", { mode: "json" }).$type<PersonField[]>().notNull(),
    metadataSchema: text("metadata_schema", { mode: "json" }).$type<SchemaJson>().notNull(),
    eventSchema: text("event_schema", { mode: "json" }).$type<SchemaJson>(),
    createdAt: text("created_at").notNull(),
  },
  (table) => [
    unique("event_type_version_of").on(table.tenantId, table.action, table.version),
    index("event_type_version_tenant").on(table.tenantId, table.number),
  ],
);

/** What was refused, counted. No action, version or credential: an empty text, 0. Written through `rejected-store.ts`. */
export const rejectedEvent = sqliteTable(
  "rejected_event",
  {
    domainId: text("domain_id")
      .notNull()
      .references(() => domain.id),
    code: text("code").notNull(),
    action: text("action").notNull(),
    pointer: text("pointer").notNull(),
    schemaVersion: integer("schema_version").notNull(),
    credentialId: text("credential_id").notNull(),
    count: integer("count").notNull(),
    firstAt: text("first_at").notNull(),
    lastAt: text("last_at").notNull(),
  },
  (table) => [
    primaryKey({
      columns: [table.domainId, table.code, table.action, table.pointer, table.schemaVersion, table.credentialId],
    }),
    index("rejected_event_age").on(table.domainId, table.lastAt),
  ],
);

/** Ledger shards. Written through `ledger-store.ts`, whose statements drizzle cannot say. */
export const auditLog = sqliteTable(
  "audit_log",
  {
    domainId: text("domain_id").notNull(),
    seq: integer("seq").notNull(),
    id: text("id").notNull(),
    prevHash: blob("prev_hash", { mode: "buffer" }).notNull(),
    entryHash: blob("entry_hash", { mode: "buffer" }).notNull(),
    payload: text("payload").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.domainId, table.seq] }),
    unique("audit_log_entry_hash").on(table.domainId, table.entryHash),
    unique("audit_log_id").on(table.domainId, table.id),
  ],
);

export const ledgerBase = sqliteTable(
  "ledger_base",
  {
    domainId: text("domain_id").notNull(),
    baseSeq: integer("base_seq").notNull(),
    basePrevHash: blob("base_prev_hash", { mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.domainId, table.baseSeq] })],
);

export const ledgerRelease = sqliteTable(
  "ledger_release",
  {
    domainId: text("domain_id").notNull(),
    fromSeq: integer("from_seq").notNull(),
    toSeq: integer("to_seq").notNull(),
    reason: text("reason").$type<"prune" | "tenant_deletion">().notNull(),
    releasedAt: text("released_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.domainId, table.fromSeq, table.toSeq] })],
);

export const ledgerHold = sqliteTable(
  "ledger_hold",
  {
    holdId: text("hold_id").notNull(),
    domainId: text("domain_id").notNull(),
    fromSeq: integer("from_seq").notNull(),
    toSeq: integer("to_seq").notNull(),
  },
  (table) => [primaryKey({ columns: [table.domainId, table.holdId, table.fromSeq] })],
);

/** One row an entry and subject; an empty subject: about nobody. */
export const auditPrivateValue = sqliteTable(
  "audit_private_value",
  {
    domainId: text("domain_id").notNull(),
    subject: blob("subject", { mode: "buffer" }).notNull(),
    seq: integer("seq").notNull(),
    sealed: sealedColumn("private_values")("sealed"),
  },
  (table) => [primaryKey({ columns: [table.domainId, table.subject, table.seq] })],
);

/** Who a pseudonym is, as first seen. */
export const auditSubjectPii = sqliteTable(
  "audit_subject_pii",
  {
    domainId: text("domain_id").notNull(),
    pseudonym: blob("pseudonym", { mode: "buffer" }).notNull(),
    firstSeq: integer("first_seq").notNull(),
    subjectPlaintext: sealedColumn("subject_identity")("subject_plaintext").notNull(),
    emailClaim: sealedColumn("contact")("email_claim"),
    sourceIp: sealedColumn("network")("source_ip"),
    idpClaimNames: sealedColumn("idp_claims")("idp_claim_names"),
  },
  (table) => [primaryKey({ columns: [table.domainId, table.pseudonym] })],
);

/** How far a domain's entries in this shard are indexed. Written through `index-writer.ts`. */
export const auditIndex = sqliteTable("audit_index", {
  number: integer("number").primaryKey(),
  domainId: text("domain_id").notNull().unique(),
  salt: blob("salt", { mode: "buffer" }).notNull(),
  fromSize: integer("from_size").notNull(),
  size: integer("size").notNull(),
});

/** What entries are found by. Read through `entry-index.ts`. */
export const auditPosting = sqliteTable(
  "audit_posting",
  {
    number: integer("number").notNull(),
    term: integer("term").notNull(),
    at: integer("at").notNull(),
    seq: integer("seq").notNull(),
  },
  (table) => [primaryKey({ columns: [table.number, table.term, table.at, table.seq] })],
);

/** Sums of days. */
export const auditTally = sqliteTable(
  "audit_tally",
  {
    number: integer("number").notNull(),
    kind: text("kind").$type<TallyKind>().notNull(),
    day: integer("day").notNull(),
    value: text("value").notNull(),
    count: integer("count").notNull(),
  },
  (table) => [primaryKey({ columns: [table.number, table.kind, table.day, table.value] })],
);
