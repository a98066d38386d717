-- What is sealed beside the entries. Not append-only: erasure deletes from both. Plaintext never reaches them (docs/keys.md).
-- One row an entry and subject, also where the entry only names them (sealed is null): the subject comes first, so that their
-- entries are found and an erasure deletes one range; who is in an entry stands in its payload, so that reading one needs
-- no other index. An empty subject: about nobody.
CREATE TABLE audit_private_value (
  domain_id TEXT NOT NULL,
  subject BLOB NOT NULL CHECK (length(subject) IN (0, 32)),
  seq INTEGER NOT NULL CHECK (seq >= 0),
  sealed BLOB,
  PRIMARY KEY (domain_id, subject, seq)
) STRICT, WITHOUT ROWID;

-- Who a pseudonym is, as first seen (S4-16, S4-28).
CREATE TABLE audit_subject_pii (
  domain_id TEXT NOT NULL,
  pseudonym BLOB NOT NULL CHECK (length(pseudonym) = 32),
  first_seq INTEGER NOT NULL CHECK (first_seq >= 0),
  subject_plaintext BLOB NOT NULL,
  email_claim BLOB,
  source_ip BLOB,
  idp_claim_names BLOB,
  PRIMARY KEY (domain_id, pseudonym)
) STRICT, WITHOUT ROWID;
