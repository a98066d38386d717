-- The usual design that Moonseal is compared with: a hash chain made by a trigger, one lock a chain held until the commit.
CREATE EXTENSION pgcrypto;

CREATE TABLE audit_log (
  domain_id text NOT NULL,
  seq bigint NOT NULL,
  prev_hash bytea NOT NULL,
  entry_hash bytea NOT NULL,
  payload text NOT NULL,
  PRIMARY KEY (domain_id, seq)
);

CREATE TABLE request (
  key text PRIMARY KEY,
  first_seq bigint NOT NULL,
  count integer NOT NULL
);

CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.domain_id, 0));
  SELECT seq, entry_hash INTO last FROM audit_log WHERE domain_id = NEW.domain_id ORDER BY seq DESC LIMIT 1;
  NEW.seq := coalesce(last.seq, -1) + 1;
  NEW.prev_hash := coalesce(last.entry_hash, decode(repeat('00', 32), 'hex'));
  NEW.entry_hash := digest(NEW.prev_hash || convert_to(NEW.payload, 'UTF8'), 'sha256');
  RETURN NEW;
END $$;

CREATE TRIGGER chain BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION chain();
