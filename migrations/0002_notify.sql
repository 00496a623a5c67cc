-- NOTIFY: pools, their relays, and which pool a tenant's phones are reached through. The jobs are not
-- here: they live in each pool's Durable Object (src/pool/store/schema.rs). Whom to tell and with
-- which credentials is settings like any other (src/pool/target.rs).

CREATE TABLE pools (
  id          TEXT PRIMARY KEY NOT NULL, -- also the name of its Durable Object
  name        TEXT NOT NULL UNIQUE,
  options     TEXT NOT NULL,             -- JSON, see src/pool/options.rs; the object has a copy
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

-- The pool of every tenant and site that names no other.
INSERT INTO pools (id, name, options, created_at, updated_at) VALUES ('default', 'default', '{}', 0, 0);

CREATE TABLE relays (
  id          TEXT PRIMARY KEY NOT NULL,
  pool_id     TEXT NOT NULL REFERENCES pools (id),
  name        TEXT NOT NULL,
  hash        TEXT NOT NULL,             -- SHA-256 of the credential's secret part, hex; shown once
  created_at  INTEGER NOT NULL,
  UNIQUE (pool_id, name)
) STRICT;
CREATE INDEX relays_by_pool ON relays (pool_id, id);

-- The nearer one counts: the site's, the tenant's, 'default'.
ALTER TABLE tenants ADD COLUMN pool_id TEXT REFERENCES pools (id);
ALTER TABLE sites ADD COLUMN pool_id TEXT REFERENCES pools (id);
CREATE INDEX tenants_by_pool ON tenants (pool_id) WHERE pool_id IS NOT NULL;
CREATE INDEX sites_by_pool ON sites (pool_id) WHERE pool_id IS NOT NULL;

-- Every pool that a tenant ever gave jobs to: where its jobs and rollouts are to be looked for.
CREATE TABLE tenant_pools (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  pool_id     TEXT NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
  PRIMARY KEY (tenant_id, pool_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenant_pools_by_pool ON tenant_pools (pool_id);
