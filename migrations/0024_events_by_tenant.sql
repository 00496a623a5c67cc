-- Events, the rows that are written most, in a table of which each file that goes out writes a row and one entry of an index.
-- `events` has six indexes beside its rows. It stays as it is, for a Worker of before reads and writes it, and copying what may be
-- millions of rows has a price. What is older than the first row here is read there, until retention has removed it; the table goes
-- with a later step.

CREATE TABLE phone_events (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id          TEXT NOT NULL,             -- ULID of the time of the request
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
  at          INTEGER NOT NULL,          -- Unix milliseconds
  path        TEXT,                      -- below the access path, made fit to be read; NULL: a file went out
  access_path TEXT,                      -- id; kept when the access path goes
  PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_events_by_mac ON phone_events (tenant_id, mac, id) WHERE mac IS NOT NULL;
-- What got nothing is rare, and looked for.
CREATE INDEX phone_events_by_refusal ON phone_events (tenant_id, reason, id) WHERE status >= 400;
CREATE INDEX phone_events_by_failure ON phone_events (tenant_id, outcome, id) WHERE status >= 400;
CREATE INDEX phone_events_by_refused_address ON phone_events (tenant_id, address, id) WHERE status >= 400;

-- What the metrics have not counted yet: the newest, and all that comes from now on is here.
INSERT INTO phone_events (tenant_id, id, device_id, mac, kind, form, outcome, reason, status, bytes, address, user_agent,
  country, request_id, detail, at, path, access_path)
SELECT tenant_id, id, device_id, mac, kind, form, outcome, reason, status, bytes, address, user_agent,
  country, request_id, detail, at, path, access_path FROM events
WHERE id > (SELECT event FROM metric_progress WHERE id = 1) ORDER BY id DESC LIMIT 5000;

-- As the trigger of `events` does. Of an event that comes from there that one has told.
CREATE TRIGGER device_fails_by_its_phone_event AFTER INSERT ON phone_events
WHEN NEW.outcome IN ('refused', 'broken') AND NEW.kind IS NOT NULL AND NEW.mac IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM events WHERE id = NEW.id)
BEGIN
  UPDATE devices SET failed_at = NEW.at, failed_reason = NEW.reason
  WHERE tenant_id = NEW.tenant_id AND mac = NEW.mac AND coalesce(failed_at, 0) <= NEW.at;
END;

-- What a Worker of before writes meanwhile.
CREATE TRIGGER event_of_before_is_kept AFTER INSERT ON events
BEGIN
  INSERT INTO phone_events (tenant_id, id, device_id, mac, kind, form, outcome, reason, status, bytes, address, user_agent,
    country, request_id, detail, at, path, access_path)
  VALUES (NEW.tenant_id, NEW.id, NEW.device_id, NEW.mac, NEW.kind, NEW.form, NEW.outcome, NEW.reason, NEW.status, NEW.bytes,
    NEW.address, NEW.user_agent, NEW.country, NEW.request_id, NEW.detail, NEW.at, NEW.path, NEW.access_path)
  ON CONFLICT (tenant_id, id) DO NOTHING;
END;

-- Minutes in the order in which they are counted and removed, without an index beside them.
ALTER TABLE event_minutes RENAME TO event_minutes_old;
CREATE TABLE event_minutes (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  minute      INTEGER NOT NULL,          -- Unix time / 60 s
  seen        INTEGER NOT NULL,          -- all that happened, written or not
  new_phones  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (minute, tenant_id)
) STRICT, WITHOUT ROWID;
INSERT INTO event_minutes (tenant_id, minute, seen, new_phones)
SELECT tenant_id, minute, seen, new_phones FROM event_minutes_old WHERE minute >= unixepoch() / 60 - 180;
DROP TABLE event_minutes_old;
