-- Service accounts, and what an API key has besides: a description, the networks that it may be used from, the account that
-- it belongs to, the key that it replaced. Whom a key belongs to never changes.
CREATE TABLE service_account (
  id TEXT PRIMARY KEY NOT NULL,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  name TEXT NOT NULL,
  description TEXT,
  created_at TEXT NOT NULL,
  removed_at TEXT
) STRICT;
CREATE INDEX service_account_tenant ON service_account (tenant_id, id);

ALTER TABLE api_key ADD COLUMN description TEXT;
-- NULL: from anywhere.
ALTER TABLE api_key ADD COLUMN allowed_networks TEXT CHECK (allowed_networks IS NULL OR json_valid(allowed_networks));
ALTER TABLE api_key ADD COLUMN service_account_id TEXT REFERENCES service_account (id);
ALTER TABLE api_key ADD COLUMN replaces TEXT;
