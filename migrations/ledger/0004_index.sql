-- The index: what entries are found by, derived from audit_log by the domain's keeper, behind the copier. It can be dropped and
-- is built again. What it yields is matched again against the entry.

-- One row a domain with entries in this shard. The number stands for the domain in every row below; the salt keeps clients from
-- making terms that collide. Entries [0, size) of those that lie here are indexed, the last of them by the step from from_size.
-- Both -1: being dropped.
CREATE TABLE audit_index (
  number INTEGER PRIMARY KEY NOT NULL,
  domain_id TEXT NOT NULL UNIQUE,
  salt BLOB NOT NULL CHECK (length(salt) = 16),
  from_size INTEGER NOT NULL CHECK (from_size >= -1),
  size INTEGER NOT NULL CHECK (size >= -1)
) STRICT;

-- One row an entry and term: the first 48 bits of SHA-256 of salt and term, when it happened (Unix milliseconds), its seq.
CREATE TABLE audit_posting (
  number INTEGER NOT NULL,
  term INTEGER NOT NULL,
  at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (number, term, at, seq)
) STRICT, WITHOUT ROWID;

-- How many entries of a day (UTC, days since 1970-01-01) have this action, actor, outcome or category.
CREATE TABLE audit_tally (
  number INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('action', 'actor', 'outcome', 'category')),
  day INTEGER NOT NULL,
  value TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (number, kind, day, value)
) STRICT, WITHOUT ROWID;
