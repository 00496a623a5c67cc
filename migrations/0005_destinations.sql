-- Whom a tenant's phones are told at: the domains and networks that its jobs may name, as JSON
-- (crates/wire/src/destinations.rs). NULL: nobody has said; then it must not share a pool with other
-- tenants' phones.
ALTER TABLE tenants ADD COLUMN destinations TEXT;

-- The tenants of the pool 'default' that name none.
CREATE INDEX tenants_without_pool ON tenants (id) WHERE pool_id IS NULL;

-- Addresses of record, to see that no two tenants of a pool have the same: without the scheme and what
-- stands before it, in lower case. src/store/reach.rs looks for what begins with user@host.
CREATE INDEX settings_by_aor ON settings (
  ltrim(substr(lower(value), instr(lower(value), 'sip:') + CASE WHEN instr(lower(value), 'sip:') > 0 THEN 4 ELSE 1 END), ' <')
) WHERE name GLOB 'NOTIFY_AOR*' AND master IS NULL;
