-- The ledger: the queryable copy of the log. Written by the domain's object only, in order, never changed.
-- STRICT and WITHOUT ROWID cannot be said in drizzle; test/storage/schema.test.ts compares src/storage/schema.ts with the result.
CREATE TABLE audit_log (
  domain_id TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 0),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
  entry_hash BLOB NOT NULL CHECK (length(entry_hash) = 32),
  payload TEXT NOT NULL,
  PRIMARY KEY (domain_id, seq),
  CONSTRAINT audit_log_entry_hash UNIQUE (domain_id, entry_hash),
  CONSTRAINT audit_log_id UNIQUE (domain_id, id)
) STRICT, WITHOUT ROWID;

-- Where a run of rows may begin: entry 0 with its genesis value, a new shard, a pruned prefix, a restore.
CREATE TABLE ledger_base (
  domain_id TEXT NOT NULL,
  base_seq INTEGER NOT NULL CHECK (base_seq >= 0),
  base_prev_hash BLOB NOT NULL CHECK (length(base_prev_hash) = 32),
  PRIMARY KEY (domain_id, base_seq)
) STRICT, WITHOUT ROWID;

-- The one gate through which rows may leave: a range, and why.
CREATE TABLE ledger_release (
  domain_id TEXT NOT NULL,
  from_seq INTEGER NOT NULL CHECK (from_seq >= 0),
  to_seq INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('prune', 'tenant_deletion')),
  released_at TEXT NOT NULL,
  PRIMARY KEY (domain_id, from_seq, to_seq),
  CHECK (to_seq >= from_seq)
) STRICT, WITHOUT ROWID;

-- Mirror of the legal holds that the domain's object keeps.
CREATE TABLE ledger_hold (
  hold_id TEXT NOT NULL,
  domain_id TEXT NOT NULL,
  from_seq INTEGER NOT NULL CHECK (from_seq >= 0),
  to_seq INTEGER NOT NULL,
  PRIMARY KEY (domain_id, hold_id, from_seq),
  CHECK (to_seq >= from_seq)
) STRICT, WITHOUT ROWID;
