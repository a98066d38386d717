-- Words of legal holds: reasons, owners, the people whom a hold names; all of it sealed (docs/keys.md). That a hold is in force,
-- and where, is kept by the objects of the tenant and of its domains, never here.
CREATE TABLE legal_hold_words (
  tenant_id TEXT NOT NULL REFERENCES tenant (id),
  hold_id TEXT NOT NULL,
  change INTEGER NOT NULL CHECK (change >= 1),
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant_id, hold_id, change)
) STRICT, WITHOUT ROWID;
