/** The retention matrix: each property of the log's life, the seam that enforces it, and the tests that were seen to bite (S4-38). */
import type { MatrixRow } from "./row.ts";

export const RETENTION_MATRIX: readonly MatrixRow[] = [
  {
    id: "default-retention",
    subject: "Default retention",
    asks: "Seven years, configurable per domain; the chain itself does not expire rows.",
    here: "The tier has a default, a tenant and each domain may have their own within its bounds, and the change is an entry. What a policy lets go is pruned by the domain's keeper once a dry run was confirmed; hashes, tree and every old proof stay, and the chain expires nothing by itself.",
    code: ["src/core/retention", "src/services/retention"],
    tests: [
      "test/http/retention.cell.test.ts > policies of a tenant > S0-18, S1-5, S3-33 entries in the tier %s are kept for %s unless somebody decides, at most %s",
      "test/http/retention.cell.test.ts > policies of a domain > S4-1 a domain's own goes before the tenant's, and both logs tell of the change once",
      "test/services/tiers.test.ts > S0-12 the tiers > S0-38 seven years are enterprise's alone: seven times 365 days and the leap days among them",
      "test/http/prune.cell.test.ts > retention of entries > S0-11, S1-16, S4-2 nothing goes before the dry run was confirmed; then the run takes what it listed, and the younger stays",
      "test/durable-objects/prune.test.ts > S4-1 the end of the whole time",
    ],
  },
  {
    id: "hot-retention",
    subject: "Hot retention",
    asks: "Rows of the ledger are not deleted outside the one gate, and a migration backwards over them is refused.",
    here: "Guards in the database refuse a DELETE that no release covers, and any that a legal hold covers; the runner refuses a migration with `AUDIT_DOWN_REFUSED`.",
    code: ["migrations/ledger", "src/storage/guards.ts", "src/ops/migration-refusals.ts"],
    tests: [
      "test/storage/guards.test.ts > the one gate for DELETE",
      "test/migrations/migrate.test.ts > S4-4 npm run ops -- migrate",
      "test/migrations/refusals.test.ts",
    ],
  },
  {
    id: "cold-retention",
    subject: "Cold retention",
    asks: "Every row is mirrored to `audit/<domain_id>/<seq:020d>.json.zst`, and a log can be restored from there.",
    here: "The domain's object archives its entries in segments that are never overwritten, and lets none of them go before both copies hold it.",
    code: ["durable-objects/domain-log", "src/storage/segment-store.ts", "src/core/segment.ts"],
    tests: [
      "test/durable-objects/archive.test.ts > archiving to R2",
      "test/storage/segment-store.test.ts > segments",
      "test/durable-objects/restore.test.ts > a living log whose D1 was lost",
      "test/durable-objects/restore-lost.test.ts > a log whose object and D1 were lost",
      "test/cli/verify/bucket.test.ts > an honest bucket",
    ],
  },
  {
    id: "write-once",
    subject: "Write-once",
    asks: "Chain rows have no UPDATE path; a second row of a seq or of an entry hash is refused.",
    here: "Guards refuse every UPDATE and REPLACE whoever sends it; both uniquenesses are constraints of the table.",
    code: ["migrations/ledger", "src/storage/guards.ts"],
    tests: [
      "test/storage/guards.test.ts > audit_log, recursive_triggers %s",
      "test/storage/schema.test.ts > schema.ts and the migrations > S4-13 S4-14 a domain has each seq, each entry hash and each id once",
    ],
  },
  {
    id: "right-to-erasure",
    subject: "Right to erasure",
    asks: "People are pseudonyms from the first entry on; erasure deletes the mapping and the chain stays valid.",
    here: "The person's key is destroyed and the sealed rows are deleted; one entry tells of it; the pseudonym stays as it was.",
    code: ["src/services/erasure", "src/core/erasure-certificate.ts"],
    tests: [
      "test/durable-objects/erasure.test.ts > erasing a person > S4-30 S4-22 S4-24 append 100, erase: nothing about the person is anywhere, 100 pseudonyms are intact, the chain verifies",
      "test/durable-objects/erasure.test.ts > erasing a person > S4-20 S4-21 the second call answers the first erasure; one entry tells of it, and the repeat appends nothing",
      "test/http/reveal.cell.test.ts > S4-23 after an erasure",
    ],
  },
  {
    id: "pii-minimisation",
    subject: "Minimisation of personal data",
    asks: "Who somebody is stands in `audit_subject_pii` alone, in four columns.",
    here: "Those four columns are sealed under a key of the person; a search of every store for canaries finds none in clear.",
    code: ["src/core/payload", "src/storage/schema.ts"],
    tests: [
      "test/http/append-privacy.cell.test.ts > S4-15 S4-36 canaries in every private and pseudonymous field",
      "test/http/absence.cell.test.ts > S2-27 the columns that KEY_REGISTRY declares > S4-16 a person is named by audit_subject_pii alone, with its four columns",
    ],
  },
  {
    id: "residency",
    subject: "Residency",
    asks: "Every entry belongs to one log of one jurisdiction; what has none fails closed; the platform's own log can erase.",
    here: "Ids carry the jurisdiction; the gateway forwards to nobody what names two or none; an object that is not where its cell is pinned refuses.",
    code: ["src/gateway/routing.ts", "src/core/ids.ts", "durable-objects/gates.ts"],
    tests: [
      "test/http/jurisdiction.cell.test.ts > S0-22 R4 the jurisdiction",
      "test/gateway/routing.test.ts > R1 S4-34 what names two jurisdictions, an unknown one or none is a 404 at the gateway, and no cell is called",
      "test/durable-objects/start.test.ts > the comparison at every start > S0-24 S4-34 an object whose jurisdiction is not its cell's refuses every call and writes nothing",
      "test/durable-objects/erasure-restore.test.ts > S4-35 the reserved chains",
      "test/http/event-types.cell.test.ts > where an entry of any type belongs",
    ],
  },
  {
    id: "caveat-values",
    subject: "Values of caveats",
    asks: "Never stored: names only, enforced in the database, in the API description and by its linter.",
    here: "The schema has no place for a value, a trigger refuses one, and Spectral fails without the mark `x-names-only`.",
    code: ["src/http/schemas/event.ts", "migrations/ledger", ".spectral.yaml"],
    tests: [
      "test/http/caveats.cell.test.ts > S4-36 a caveat with its value",
      "test/storage/guards.test.ts > S4-36 caveats > S4-37 it is this trigger that refuses: without it the same row goes in",
      "test/http/names-only.test.ts > S4-37 the mark in the API description",
      "test/http/names-only.test.ts > S4-37 the rule of the linter",
    ],
  },
];
