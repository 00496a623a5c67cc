-- Operations: one change of many devices. The selection is fixed when it starts, a row for each device, and
-- the row is taken in the transaction of the device's change (src/store/operations.rs).
CREATE TABLE operations (
  id          TEXT PRIMARY KEY NOT NULL, -- that of the request that started it
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  token_id    TEXT NOT NULL,             -- who started it: once that token is gone it stops
  token_hash  TEXT NOT NULL,             -- SHA-256 of ADMIN_TOKEN, hex, where that started it; or ''
  address     TEXT NOT NULL,
  action      TEXT NOT NULL,             -- JSON without secrets
  selection   TEXT NOT NULL,             -- JSON, for people
  if_unchanged INTEGER NOT NULL CHECK (if_unchanged IN (0, 1)),
  state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'stopped')),
  cause       TEXT,                      -- why it stopped
  devices     INTEGER NOT NULL,
  pending     INTEGER NOT NULL,          -- devices without a final outcome
  done        INTEGER NOT NULL DEFAULT 0,
  unchanged   INTEGER NOT NULL DEFAULT 0,
  refused     INTEGER NOT NULL DEFAULT 0,
  cancelled   INTEGER NOT NULL DEFAULT 0,
  failures    INTEGER NOT NULL DEFAULT 0, -- steps in a row that could not be done
  trouble     TEXT,                      -- what the last of them said
  created_at  INTEGER NOT NULL,
  ended_at    INTEGER
) STRICT;
CREATE INDEX operations_by_tenant ON operations (tenant_id, id);
CREATE INDEX operations_pending ON operations (tenant_id, id) WHERE pending > 0;
CREATE INDEX operations_by_end ON operations (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE operation_devices (
  operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,          -- its place in the selection
  device_id   TEXT NOT NULL,
  mac         TEXT NOT NULL,
  revision    INTEGER NOT NULL,          -- when the selection was fixed
  -- 'applied': the change is stored, and not published yet.
  outcome     TEXT NOT NULL CHECK (outcome IN ('waiting', 'applied', 'done', 'unchanged', 'refused', 'cancelled')),
  cause       TEXT,                      -- the kind of problem that refused it
  detail      TEXT,                      -- and its words
  at          INTEGER,
  PRIMARY KEY (operation_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_devices_by_outcome ON operation_devices (operation_id, outcome, number);

-- A final outcome is counted, and stays.
CREATE TRIGGER operation_device_has_ended AFTER UPDATE OF outcome ON operation_devices
WHEN OLD.outcome IN ('waiting', 'applied') AND NEW.outcome NOT IN ('waiting', 'applied')
BEGIN
  UPDATE operations SET pending = pending - 1, done = done + (NEW.outcome = 'done'),
    unchanged = unchanged + (NEW.outcome = 'unchanged'), refused = refused + (NEW.outcome = 'refused'),
    cancelled = cancelled + (NEW.outcome = 'cancelled') WHERE id = NEW.operation_id;
END;
CREATE TRIGGER operation_device_stays_ended BEFORE UPDATE OF outcome ON operation_devices
WHEN OLD.outcome NOT IN ('waiting', 'applied') AND NEW.outcome IS NOT NULL
BEGIN SELECT RAISE (ABORT, 'the outcome of a device in an operation is final'); END;
