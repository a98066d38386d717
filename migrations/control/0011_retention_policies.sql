-- How long a tenant keeps what (src/core/retention). No duration: as if nobody had decided. No domain: the tenant's own.
CREATE TABLE data_retention_policies (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  version INTEGER NOT NULL CHECK (version >= 1),
  domain_id TEXT REFERENCES domain (id),
  resource TEXT NOT NULL,
  duration TEXT,
  effective_from TEXT NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (tenant_id, version)
) STRICT, WITHOUT ROWID;
