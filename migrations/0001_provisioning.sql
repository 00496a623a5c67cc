-- What Ringfence knows: tenants and what belongs to them. Times are Unix milliseconds; ids are
-- ULIDs; flags are 0 or 1; JSON is TEXT. Every look-up the Worker does has an index behind it
-- (tests/e2e/schema.test.mjs asks EXPLAIN QUERY PLAN).

CREATE TABLE tenants (
  id          TEXT PRIMARY KEY NOT NULL,
  name        TEXT NOT NULL UNIQUE,
  hostname    TEXT UNIQUE,               -- where its access paths answer; NULL: everywhere
  options     TEXT NOT NULL,             -- JSON, see src/model/tenant.rs
  seq         INTEGER NOT NULL DEFAULT 1,-- the last version given to any change of this tenant
  version     INTEGER NOT NULL DEFAULT 1,-- of the last change above its devices
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE access_paths (
  id          TEXT PRIMARY KEY NOT NULL,
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  hash        TEXT NOT NULL UNIQUE,      -- SHA-256 of the segment, hex; the segment is shown once
  label       TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER
) STRICT;
CREATE INDEX access_paths_by_tenant ON access_paths (tenant_id, id);

CREATE TABLE sites (
  id          TEXT PRIMARY KEY NOT NULL,
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  UNIQUE (tenant_id, name)
) STRICT;
CREATE INDEX sites_by_tenant ON sites (tenant_id, id);

CREATE TABLE models (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,             -- as the phone writes it, with its regional suffix
  family      TEXT NOT NULL,
  profile     TEXT,                      -- name of the sealing profile; NULL: plaintext over HTTPS
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT;

CREATE TABLE devices (
  id              TEXT PRIMARY KEY NOT NULL,
  tenant_id       TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  mac             TEXT NOT NULL,         -- twelve upper-case hex digits
  model           TEXT NOT NULL,
  site_id         TEXT REFERENCES sites (id),
  label           TEXT NOT NULL DEFAULT '',
  disabled        INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  version         INTEGER NOT NULL,      -- of the last change of this device, from tenants.seq
  fenced_at       INTEGER NOT NULL,      -- when everything cached before `version` became void
  -- The key and its life (crates/provision/src/lifecycle.rs).
  key_state       TEXT NOT NULL CHECK (key_state IN ('armed', 'delivered', 'confirmed', 'expired', 'replaced')),
  generation      INTEGER NOT NULL,
  ever_delivered  INTEGER NOT NULL DEFAULT 0 CHECK (ever_delivered IN (0, 1)),
  key_wrapped     TEXT NOT NULL,
  key_master      TEXT NOT NULL,         -- id of the master key that wraps it
  key_fingerprint TEXT NOT NULL UNIQUE,  -- HMAC: unique keys without a key in clear
  armed_at        INTEGER NOT NULL,
  armed_until     INTEGER,
  delivered_at          INTEGER,
  delivered_address     TEXT,
  delivered_user_agent  TEXT,
  delivered_country     TEXT,
  confirmed_at    INTEGER,
  -- What the phone did last.
  last_seen_at          INTEGER,
  last_seen_address     TEXT,
  last_seen_user_agent  TEXT,
  fetched_version INTEGER,               -- of the last standard file it took
  fetched_at      INTEGER,
  revision        INTEGER NOT NULL DEFAULT 1,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  UNIQUE (tenant_id, mac),
  FOREIGN KEY (tenant_id, model) REFERENCES models (tenant_id, name)
) STRICT;
CREATE INDEX devices_by_tenant ON devices (tenant_id, id);
CREATE INDEX devices_by_state ON devices (tenant_id, key_state, id);
CREATE INDEX devices_by_model ON devices (tenant_id, model, id);
CREATE INDEX devices_by_site ON devices (tenant_id, site_id, id);
CREATE INDEX devices_by_site_alone ON devices (site_id);
CREATE INDEX devices_by_last_seen ON devices (tenant_id, last_seen_at, id);
CREATE INDEX devices_by_fence ON devices (tenant_id, fenced_at);
CREATE INDEX devices_by_expiry ON devices (armed_until) WHERE key_state = 'armed';
CREATE INDEX devices_by_master ON devices (key_master, id);

-- Settings of every layer. `scope` is 'tenant', 'site:<id>', 'model:<name>' or 'device:<id>'.
CREATE TABLE settings (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  scope       TEXT NOT NULL,
  name        TEXT NOT NULL,
  value       TEXT NOT NULL,             -- in clear, or wrapped where `master` is set
  master      TEXT,                      -- id of the master key that wraps a secret
  PRIMARY KEY (tenant_id, scope, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX settings_by_master ON settings (master, tenant_id, scope, name) WHERE master IS NOT NULL;

-- The revision of each layer's settings as one document, for If-Match.
CREATE TABLE layers (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  scope       TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, scope)
) STRICT, WITHOUT ROWID;

-- Operator-written templates; `model` is '' for every model of the family. Without a row the
-- family's built-in template serves.
CREATE TABLE file_templates (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL CHECK (kind IN ('initial', 'standard', 'product', 'master', 'system')),
  family      TEXT NOT NULL,
  model       TEXT NOT NULL DEFAULT '',
  source      TEXT NOT NULL,
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, kind, family, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  body        TEXT NOT NULL,             -- base64
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id          TEXT PRIMARY KEY NOT NULL,
  hash        TEXT NOT NULL,             -- SHA-256 of the secret part, hex
  name        TEXT NOT NULL,
  tenant_id   TEXT REFERENCES tenants (id) ON DELETE CASCADE, -- NULL: every tenant
  access      TEXT NOT NULL CHECK (access IN ('read', 'write')),
  reveal      INTEGER NOT NULL DEFAULT 0 CHECK (reveal IN (0, 1)),
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER
) STRICT;
CREATE INDEX tokens_by_tenant ON tokens (tenant_id, id);

-- What phones asked for and got. Bounded per tenant and minute; see src/observe.
CREATE TABLE events (
  id          TEXT PRIMARY KEY NOT NULL,
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  device_id   TEXT,
  mac         TEXT,
  kind        TEXT,
  form        TEXT,
  outcome     TEXT NOT NULL,
  reason      TEXT NOT NULL,
  status      INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  address     TEXT NOT NULL,
  user_agent  TEXT NOT NULL,
  country     TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  detail      TEXT,                      -- JSON, for example the findings of a refused render
  at          INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_tenant ON events (tenant_id, id);
CREATE INDEX events_by_device ON events (tenant_id, device_id, id);
CREATE INDEX events_by_outcome ON events (tenant_id, outcome, id);
CREATE INDEX events_by_age ON events (at);

CREATE TABLE event_minutes (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  minute      INTEGER NOT NULL,          -- Unix time / 60 s
  seen        INTEGER NOT NULL,          -- all that happened, written or not
  PRIMARY KEY (tenant_id, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_minutes_by_age ON event_minutes (minute);

-- Who changed what. Rows are only ever added: the triggers refuse anything else.
CREATE TABLE audit (
  id          TEXT PRIMARY KEY NOT NULL,
  tenant_id   TEXT,                      -- kept when the tenant goes
  token_id    TEXT NOT NULL,
  action      TEXT NOT NULL,
  object      TEXT NOT NULL,
  before      TEXT,                      -- JSON without secrets
  after       TEXT,
  address     TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  at          INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_by_tenant ON audit (tenant_id, id);
CREATE INDEX audit_by_object ON audit (object, id);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
