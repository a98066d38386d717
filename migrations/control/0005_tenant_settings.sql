-- What a tenant has set for itself, within its tier (src/services/tiers.ts). NULL: nothing. A guard of 0002 names the columns
-- that never change; this one may.
ALTER TABLE tenant ADD COLUMN settings TEXT CHECK (settings IS NULL OR json_valid(settings));
