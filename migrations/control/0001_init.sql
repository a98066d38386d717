-- The control database of a cell: who its tenants are, which domains they have, which keys open them.
-- Nothing here is about people. STRICT cannot be said in drizzle; test/storage/schema.test.ts compares schema.ts with this.
CREATE TABLE tenant (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  jurisdiction TEXT NOT NULL CHECK (jurisdiction IN ('eu', 'us')),
  tier TEXT NOT NULL CHECK (tier IN ('free', 'pro', 'team', 'enterprise')),
  tenant_domain_id TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE domain (
  id TEXT PRIMARY KEY NOT NULL,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('client', 'tenant', 'platform')),
  segment_entries INTEGER NOT NULL CHECK (segment_entries BETWEEN 1 AND 4096),
  created_at TEXT NOT NULL,
  CONSTRAINT domain_name UNIQUE (tenant_id, name)
) STRICT;

-- Which ledger shard holds a domain's entries from which seq on (DESIGN §2). One shard by default.
CREATE TABLE ledger_shard (
  domain_id TEXT NOT NULL REFERENCES domain (id),
  from_seq INTEGER NOT NULL CHECK (from_seq >= 0),
  shard TEXT NOT NULL,
  PRIMARY KEY (domain_id, from_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
  id TEXT PRIMARY KEY NOT NULL,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  name TEXT NOT NULL,
  permissions TEXT NOT NULL CHECK (json_valid(permissions)),
  secret_mac BLOB NOT NULL CHECK (length(secret_mac) = 32),
  created_at TEXT NOT NULL,
  expires_at TEXT,
  revoked_at TEXT
) STRICT;
CREATE INDEX api_key_tenant ON api_key (tenant_id, id);

-- What provisioning read back from the account about each pinned resource, and when.
CREATE TABLE provisioned_resource (
  resource TEXT PRIMARY KEY NOT NULL,
  jurisdiction TEXT NOT NULL,
  read_back_at TEXT NOT NULL
) STRICT;
