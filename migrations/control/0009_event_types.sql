-- A tenant's own action types with the versions of their schemas, and what was refused. Nothing here is content of an event.
CREATE TABLE event_type (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  action TEXT NOT NULL,
  newest INTEGER NOT NULL CHECK (newest >= 1),
  created_at TEXT NOT NULL,
  withdrawn_at TEXT,
  PRIMARY KEY (tenant_id, action)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_type_version (
  number INTEGER PRIMARY KEY NOT NULL,
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  action TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  description TEXT NOT NULL,
  category TEXT NOT NULL,
  does TEXT NOT NULL CHECK (does IN ('read', 'write')),
  sensitivity TEXT NOT NULL CHECK (sensitivity IN ('low', 'medium', 'high')),
  people TEXT NOT NULL CHECK (json_valid(people)),
  metadata_schema TEXT NOT NULL CHECK (json_valid(metadata_schema)),
  event_schema TEXT CHECK (event_schema IS NULL OR json_valid(event_schema)),
  created_at TEXT NOT NULL,
  CONSTRAINT event_type_version_of UNIQUE (tenant_id, action, version)
) STRICT;
CREATE INDEX event_type_version_tenant ON event_type_version (tenant_id, number);

-- No action, no version, no credential: '' and 0.
CREATE TABLE rejected_event (
  domain_id TEXT NOT NULL REFERENCES domain (id),
  code TEXT NOT NULL,
  action TEXT NOT NULL,
  pointer TEXT NOT NULL,
  schema_version INTEGER NOT NULL CHECK (schema_version >= 0),
  credential_id TEXT NOT NULL,
  count INTEGER NOT NULL CHECK (count >= 1),
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  PRIMARY KEY (domain_id, code, action, pointer, schema_version, credential_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rejected_event_age ON rejected_event (domain_id, last_at);
