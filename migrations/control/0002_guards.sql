-- A tenant never moves and never loses its reserved domain; a domain never changes hands (S0-22).
CREATE TRIGGER tenant_pinned BEFORE UPDATE OF id, jurisdiction, tenant_domain_id, created_at ON tenant BEGIN SELECT RAISE(ABORT, 'a tenant is pinned for life'); END;
CREATE TRIGGER domain_pinned BEFORE UPDATE OF id, tenant_id, kind, created_at ON domain BEGIN SELECT RAISE(ABORT, 'a domain belongs to one tenant for life'); END;
CREATE TRIGGER api_key_revoked_for_good BEFORE UPDATE ON api_key WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at BEGIN SELECT RAISE(ABORT, 'a revoked key stays revoked'); END;
