CREATE TRIGGER api_key_owned BEFORE UPDATE OF id, tenant_id, service_account_id, secret_mac ON api_key BEGIN SELECT RAISE(ABORT, 'a key belongs to whom it was made for'); END;
CREATE TRIGGER service_account_removed_for_good BEFORE UPDATE ON service_account WHEN OLD.removed_at IS NOT NULL AND NEW.removed_at IS NOT OLD.removed_at BEGIN SELECT RAISE(ABORT, 'a removed account stays removed'); END;
