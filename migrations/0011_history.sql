-- What templates, the settings of a layer and a tenant's options were, and tests of files.

-- What kinds of files there are is the families' to say, and no longer the database's: SQLite takes a CHECK away
-- only with its table.
ALTER TABLE file_templates RENAME TO file_templates_old;
CREATE TABLE file_templates (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  kind        TEXT NOT NULL,
  family      TEXT NOT NULL,
  model       TEXT NOT NULL DEFAULT '',
  source      TEXT NOT NULL,
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, kind, family, model)
) STRICT, WITHOUT ROWID;
INSERT INTO file_templates (tenant_id, kind, family, model, source, revision, created_at, updated_at)
  SELECT tenant_id, kind, family, model, source, revision, created_at, updated_at FROM file_templates_old;
DROP TABLE file_templates_old;

-- A row for each version, the present one too; which there are at most says src/store/history.rs.
CREATE TABLE versions (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  object      TEXT NOT NULL,             -- options, template:<kind>/<family>/<model>, layer:<scope>
  number      INTEGER NOT NULL,          -- 0: as it was before the first change that was kept
  seq         INTEGER NOT NULL,          -- of the tenant at the change; 0: of before
  at          INTEGER NOT NULL,
  token_id    TEXT NOT NULL,             -- '': not known
  request_id  TEXT NOT NULL,
  comment     TEXT NOT NULL,
  revision    INTEGER,                   -- of a layer; NULL: of what has none here
  body        TEXT,                      -- source or options; NULL: of a layer, or no template was there
  bytes       INTEGER NOT NULL,          -- that go with it
  ended_at    INTEGER,                   -- since when it is no longer so; NULL: it is
  PRIMARY KEY (tenant_id, object, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX versions_by_end ON versions (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX versions_by_age ON versions (ended_at) WHERE ended_at IS NOT NULL;

-- Settings that were replaced or removed. Those that still are so stand in `settings` alone.
CREATE TABLE setting_versions (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  object      TEXT NOT NULL,             -- layer:<scope>
  last        INTEGER NOT NULL,          -- the last version of the layer that has it
  name        TEXT NOT NULL,
  first       INTEGER NOT NULL,          -- the first one
  value       TEXT NOT NULL,             -- in clear, or wrapped where `master` is set
  master      TEXT,
  PRIMARY KEY (tenant_id, object, last, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX setting_versions_by_master ON setting_versions (master, tenant_id, object, last, name)
WHERE master IS NOT NULL;

-- The first version of the layer that has the value; NULL: nobody has counted yet.
ALTER TABLE settings ADD COLUMN since INTEGER;

-- The bytes of a tenant's versions. They follow by triggers, so that no way of writing passes them by.
ALTER TABLE tenants ADD COLUMN history_bytes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tenants_by_history ON tenants (history_bytes);
CREATE TRIGGER versions_counted AFTER INSERT ON versions
BEGIN UPDATE tenants SET history_bytes = history_bytes + NEW.bytes WHERE id = NEW.tenant_id; END;
CREATE TRIGGER versions_recounted AFTER UPDATE OF bytes ON versions
BEGIN
  UPDATE tenants SET history_bytes = history_bytes + NEW.bytes - OLD.bytes WHERE id = NEW.tenant_id;
END;
-- Versions go from the oldest on, so what none of the others has goes with the version that had it last.
CREATE TRIGGER versions_uncounted AFTER DELETE ON versions
BEGIN
  UPDATE tenants SET history_bytes = history_bytes - OLD.bytes WHERE id = OLD.tenant_id;
  DELETE FROM setting_versions
  WHERE tenant_id = OLD.tenant_id AND object = OLD.object AND last <= OLD.number;
END;

-- What an operator wants to be so in files.
CREATE TABLE file_tests (
  id          TEXT PRIMARY KEY NOT NULL,
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  name        TEXT NOT NULL,
  model       TEXT,                      -- whose files; NULL: of every model, site, device
  site_id     TEXT,
  mac         TEXT,
  kind        TEXT NOT NULL,
  parameter   TEXT NOT NULL,
  expect      TEXT NOT NULL CHECK (expect IN ('equals', 'contains', 'present', 'absent')),
  value       TEXT NOT NULL,             -- '' where none is compared with
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  UNIQUE (tenant_id, name)
) STRICT;
CREATE INDEX file_tests_by_tenant ON file_tests (tenant_id, id);
