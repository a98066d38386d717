-- How a domain treats what comes to it (src/core/domain-settings.ts): what was set; NULL: nothing.
ALTER TABLE domain ADD COLUMN settings TEXT CHECK (settings IS NULL OR json_valid(settings));
