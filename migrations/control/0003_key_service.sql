-- Key services that tenants bring along (S3-41). Settings stand in clear and hold no secret; credentials are sealed (docs/keys.md).
-- A service that was replaced stays until no key needs it: what it wrapped, only it unwraps.
CREATE TABLE tenant_key_service (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  service INTEGER NOT NULL CHECK (service BETWEEN 1 AND 65535),
  kind TEXT NOT NULL CHECK (kind IN ('aws_kms', 'https')),
  settings TEXT NOT NULL CHECK (json_valid(settings)),
  credentials BLOB NOT NULL,
  created_at TEXT NOT NULL,
  retired_at TEXT,
  state TEXT NOT NULL CHECK (state IN ('working', 'refused', 'no_answer')),
  checked_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, service)
) STRICT;
-- New keys of a tenant are wrapped by one service or by none.
CREATE UNIQUE INDEX tenant_key_service_active ON tenant_key_service (tenant_id) WHERE retired_at IS NULL;
