-- The audit log as a chain that can be cut, and what each tenant uses and may use.

-- Entries get numbers in the order of their transactions. AUTOINCREMENT gives no number twice, also
-- after the newest entries are gone, so a gap between two numbers is an entry that was taken out.
DROP TRIGGER audit_is_not_changed;
DROP TRIGGER audit_is_not_deleted;
ALTER TABLE audit RENAME TO audit_old;
CREATE TABLE audit (
  number      INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  id          TEXT NOT NULL UNIQUE,
  tenant_id   TEXT,                      -- kept when the tenant goes
  token_id    TEXT NOT NULL,
  action      TEXT NOT NULL,
  object      TEXT NOT NULL,
  before      TEXT,                      -- JSON without secrets, bounded: see src/audit/bound.rs
  after       TEXT,
  address     TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  at          INTEGER NOT NULL
) STRICT;
INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, address, request_id, at)
  SELECT id, tenant_id, token_id, action, object, before, after, address, request_id, at
  FROM audit_old ORDER BY id;
DROP TABLE audit_old;
CREATE INDEX audit_by_tenant ON audit (tenant_id, id);
CREATE INDEX audit_by_object ON audit (object, id);

-- The hash of each entry over itself and the hash before it (src/audit/chain.rs).
CREATE TABLE audit_chain (
  number      INTEGER PRIMARY KEY NOT NULL, -- of the entry
  hash        TEXT NOT NULL                 -- SHA-256, hex
) STRICT;

-- The end of the chain and the last cut, with an HMAC under the master key: whoever can only write
-- to the database cannot make another one.
CREATE TABLE audit_head (
  only        INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
  number      INTEGER NOT NULL,          -- of the last entry in the chain
  hash        TEXT NOT NULL,             -- its hash
  cut_number  INTEGER NOT NULL,          -- of the last entry that was cut; 0: none
  cut_hash    TEXT NOT NULL,             -- its hash, which the first entry left builds on
  master      TEXT NOT NULL,             -- id of the master key of `tag`
  tag         TEXT NOT NULL              -- HMAC-SHA256, hex
) STRICT;

-- What stays behind of a period that was exported and cut.
CREATE TABLE audit_cuts (
  number       INTEGER PRIMARY KEY NOT NULL, -- of its last entry
  hash         TEXT NOT NULL,                -- of its last entry
  first_number INTEGER NOT NULL,
  first_hash   TEXT NOT NULL,
  entries      INTEGER NOT NULL,
  first_at     INTEGER NOT NULL,
  last_at      INTEGER NOT NULL,
  token_id     TEXT NOT NULL,                -- who cut
  at           INTEGER NOT NULL
) STRICT;

-- Entries are added, never changed, and deleted only below a cut. SQLite fires no DELETE trigger for
-- REPLACE, so an entry that is there is looked for before one is added.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
WHEN OLD.number > coalesce((SELECT max(number) FROM audit_cuts), 0)
BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_bounded BEFORE INSERT ON audit
WHEN octet_length(NEW.object) + coalesce(octet_length(NEW.before), 0) + coalesce(octet_length(NEW.after), 0) > 8192
BEGIN SELECT RAISE (ABORT, 'an audit entry has at most 8192 bytes'); END;

CREATE TRIGGER audit_chain_is_not_changed BEFORE UPDATE ON audit_chain
BEGIN SELECT RAISE (ABORT, 'the audit chain is append-only'); END;
CREATE TRIGGER audit_chain_is_not_replaced BEFORE INSERT ON audit_chain
WHEN EXISTS (SELECT 1 FROM audit_chain WHERE number = NEW.number)
BEGIN SELECT RAISE (ABORT, 'the audit chain is append-only'); END;
CREATE TRIGGER audit_chain_is_not_deleted BEFORE DELETE ON audit_chain
WHEN OLD.number > coalesce((SELECT max(number) FROM audit_cuts), 0)
BEGIN SELECT RAISE (ABORT, 'the audit chain is append-only'); END;

CREATE TRIGGER audit_cuts_are_not_changed BEFORE UPDATE ON audit_cuts
BEGIN SELECT RAISE (ABORT, 'a cut of the audit log stays'); END;
CREATE TRIGGER audit_cuts_are_not_deleted BEFORE DELETE ON audit_cuts
BEGIN SELECT RAISE (ABORT, 'a cut of the audit log stays'); END;
CREATE TRIGGER audit_cuts_follow_the_chain BEFORE INSERT ON audit_cuts
WHEN NEW.number <= coalesce((SELECT max(number) FROM audit_cuts), 0)
  OR NOT EXISTS (SELECT 1 FROM audit_chain WHERE number = NEW.number AND hash = NEW.hash)
BEGIN SELECT RAISE (ABORT, 'a cut of the audit log ends at an entry of the chain'); END;

-- What a tenant may use at most, JSON (src/model/limits.rs), and counters of what it uses. The
-- counters follow by triggers, so that no way of writing passes them by.
ALTER TABLE tenants ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tenants ADD COLUMN devices INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN settings_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN audit_bytes INTEGER NOT NULL DEFAULT 0;
-- Names and values of the layer's settings, as they are stored.
ALTER TABLE layers ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;

UPDATE layers SET bytes = coalesce((SELECT sum(octet_length(s.name) + octet_length(s.value)) FROM settings s
  WHERE s.tenant_id = layers.tenant_id AND s.scope = layers.scope), 0);
UPDATE tenants SET
  devices = (SELECT count(*) FROM devices d WHERE d.tenant_id = tenants.id),
  settings_bytes = coalesce((SELECT sum(l.bytes) FROM layers l WHERE l.tenant_id = tenants.id), 0),
  audit_bytes = coalesce((SELECT sum(octet_length(a.object) + coalesce(octet_length(a.before), 0) + coalesce(octet_length(a.after), 0))
    FROM audit a WHERE a.tenant_id = tenants.id), 0);

CREATE TRIGGER devices_counted AFTER INSERT ON devices
BEGIN UPDATE tenants SET devices = devices + 1 WHERE id = NEW.tenant_id; END;
CREATE TRIGGER devices_uncounted AFTER DELETE ON devices
BEGIN UPDATE tenants SET devices = devices - 1 WHERE id = OLD.tenant_id; END;
CREATE TRIGGER devices_moved AFTER UPDATE OF tenant_id ON devices WHEN OLD.tenant_id <> NEW.tenant_id
BEGIN
  UPDATE tenants SET devices = devices - 1 WHERE id = OLD.tenant_id;
  UPDATE tenants SET devices = devices + 1 WHERE id = NEW.tenant_id;
END;
CREATE TRIGGER layers_counted AFTER INSERT ON layers
BEGIN UPDATE tenants SET settings_bytes = settings_bytes + NEW.bytes WHERE id = NEW.tenant_id; END;
CREATE TRIGGER layers_uncounted AFTER DELETE ON layers
BEGIN UPDATE tenants SET settings_bytes = settings_bytes - OLD.bytes WHERE id = OLD.tenant_id; END;
CREATE TRIGGER layers_recounted AFTER UPDATE OF bytes, tenant_id ON layers
BEGIN
  UPDATE tenants SET settings_bytes = settings_bytes - OLD.bytes WHERE id = OLD.tenant_id;
  UPDATE tenants SET settings_bytes = settings_bytes + NEW.bytes WHERE id = NEW.tenant_id;
END;
CREATE TRIGGER audit_counted AFTER INSERT ON audit WHEN NEW.tenant_id IS NOT NULL
BEGIN UPDATE tenants SET audit_bytes = audit_bytes + octet_length(NEW.object) + coalesce(octet_length(NEW.before), 0)
  + coalesce(octet_length(NEW.after), 0) WHERE id = NEW.tenant_id; END;
CREATE TRIGGER audit_uncounted AFTER DELETE ON audit WHEN OLD.tenant_id IS NOT NULL
BEGIN UPDATE tenants SET audit_bytes = audit_bytes - octet_length(OLD.object) - coalesce(octet_length(OLD.before), 0)
  - coalesce(octet_length(OLD.after), 0) WHERE id = OLD.tenant_id; END;
