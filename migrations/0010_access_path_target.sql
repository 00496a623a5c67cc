-- The access path that a tenant's phones are to move to: while one is named, every file of a device that names
-- its own URL names this one. Its segment is stored, wrapped (access_paths.segment).

-- Since when it has been named, in Unix milliseconds; NULL: it is not. A tenant names one at most.
ALTER TABLE access_paths ADD COLUMN target_since INTEGER;
CREATE UNIQUE INDEX access_paths_target ON access_paths (tenant_id) WHERE target_since IS NOT NULL;
