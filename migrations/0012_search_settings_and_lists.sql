-- Devices are found by what their own settings say, too, and lists are filtered and sorted by an index.

-- When a request for a file of the device was last refused or its file was broken, and why. The device fails
-- while that is later than its last file.
ALTER TABLE devices ADD COLUMN failed_at INTEGER;
ALTER TABLE devices ADD COLUMN failed_reason TEXT;
-- Whether the last bootstrap was taken from none of the networks that the tenant named.
ALTER TABLE devices ADD COLUMN unexpected_network INTEGER NOT NULL DEFAULT 0 CHECK (unexpected_network IN (0, 1));

-- A phone got nothing of what it asked for, though it asked for a file that there is. What the server itself
-- could not do at that moment is no failure of the device. As a trigger it costs what the event costs, and is
-- bounded as events are; the statements of a refusal are the same whatever its cause.
CREATE TRIGGER device_fails_by_its_event AFTER INSERT ON events
WHEN NEW.outcome IN ('refused', 'broken') AND NEW.kind IS NOT NULL AND NEW.mac IS NOT NULL
BEGIN
  UPDATE devices SET failed_at = NEW.at, failed_reason = NEW.reason
  WHERE tenant_id = NEW.tenant_id AND mac = NEW.mac AND coalesce(failed_at, 0) <= NEW.at;
END;

CREATE INDEX devices_by_label ON devices (tenant_id, label, id);
CREATE INDEX devices_by_change ON devices (tenant_id, updated_at, id);
-- Those that were never here come first. It takes the place of the index of last_seen_at alone.
CREATE INDEX devices_by_visit ON devices (tenant_id, coalesce(last_seen_at, 0), id);
DROP INDEX devices_by_last_seen;
-- The version up to which a device has everything: 0 if it lacks its own last change. Below the tenant's
-- version it is stale.
CREATE INDEX devices_by_taken ON devices (
  tenant_id, CASE WHEN fetched_version < version THEN 0 ELSE fetched_version END, id
) WHERE fetched_version IS NOT NULL;
CREATE INDEX devices_disabled ON devices (tenant_id, id) WHERE disabled = 1;
CREATE INDEX devices_failing ON devices (tenant_id, id) WHERE failed_at > coalesce(last_seen_at, 0);
CREATE INDEX devices_unexpected ON devices (tenant_id, id) WHERE unexpected_network = 1;

-- The line users of a layer, for those that are too short to have a trigram.
CREATE INDEX settings_by_extension ON settings (tenant_id, value, scope)
  WHERE name GLOB 'line_[0-9]*_user' AND master IS NULL;

CREATE INDEX events_by_address ON events (tenant_id, address, id);
CREATE INDEX events_by_refusal ON events (tenant_id, reason, id) WHERE status >= 400;
CREATE INDEX audit_by_action ON audit (tenant_id, action, id);
CREATE INDEX audit_by_token ON audit (tenant_id, token_id, id);
CREATE INDEX audit_by_request ON audit (request_id, id);

-- The values of a device's own settings that are no secrets, the line users first; the first 8,000
-- characters, one value a line.
ALTER TABLE search_devices ADD COLUMN settings TEXT NOT NULL DEFAULT '';

CREATE VIRTUAL TABLE device_search_text USING fts5 (
  mac, label, model, site, settings,
  content = 'search_devices', content_rowid = 'number', tokenize = 'trigram', columnsize = 0
);

-- It takes the place of device_search, which stays empty: a Worker of before finds nothing in it, and goes on
-- serving phones.
DROP TRIGGER search_text_is_added;
DROP TRIGGER search_text_is_removed;
DROP TRIGGER search_text_is_changed;
INSERT INTO device_search (device_search) VALUES ('delete-all');

-- What is there already.
UPDATE search_devices SET settings = coalesce((SELECT substr(group_concat(value, char(10)), 1, 8000)
  FROM (SELECT s.value FROM devices d JOIN settings s ON s.tenant_id = d.tenant_id AND s.scope = 'device:' || d.id
  WHERE d.id = search_devices.device_id AND s.master IS NULL
  ORDER BY s.name NOT GLOB 'line_[0-9]*_user', s.name)), '')
WHERE number > 0;
INSERT INTO device_search_text (device_search_text) VALUES ('rebuild');

CREATE TRIGGER search_text_comes AFTER INSERT ON search_devices
BEGIN
  INSERT INTO device_search_text (rowid, mac, label, model, site, settings)
  VALUES (NEW.number, NEW.mac, NEW.label, NEW.model, NEW.site, NEW.settings);
END;

CREATE TRIGGER search_text_goes AFTER DELETE ON search_devices
BEGIN
  INSERT INTO device_search_text (device_search_text, rowid, mac, label, model, site, settings)
  VALUES ('delete', OLD.number, OLD.mac, OLD.label, OLD.model, OLD.site, OLD.settings);
END;

CREATE TRIGGER search_text_becomes_another AFTER UPDATE ON search_devices
BEGIN
  INSERT INTO device_search_text (device_search_text, rowid, mac, label, model, site, settings)
  VALUES ('delete', OLD.number, OLD.mac, OLD.label, OLD.model, OLD.site, OLD.settings);
  INSERT INTO device_search_text (rowid, mac, label, model, site, settings)
  VALUES (NEW.number, NEW.mac, NEW.label, NEW.model, NEW.site, NEW.settings);
END;

-- A layer is written as a whole, and its row in `layers` last: once for all of its settings.
CREATE TRIGGER device_is_found_by_its_first_settings AFTER INSERT ON layers
WHEN NEW.scope >= 'device:' AND NEW.scope < 'device;'
BEGIN
  UPDATE search_devices SET settings = coalesce((SELECT substr(group_concat(value, char(10)), 1, 8000)
    FROM (SELECT value FROM settings WHERE tenant_id = NEW.tenant_id AND scope = NEW.scope AND master IS NULL
    ORDER BY name NOT GLOB 'line_[0-9]*_user', name)), '')
  WHERE device_id = substr(NEW.scope, 8);
END;

CREATE TRIGGER device_is_found_by_its_settings AFTER UPDATE OF revision ON layers
WHEN NEW.scope >= 'device:' AND NEW.scope < 'device;'
BEGIN
  UPDATE search_devices SET settings = coalesce((SELECT substr(group_concat(value, char(10)), 1, 8000)
    FROM (SELECT value FROM settings WHERE tenant_id = NEW.tenant_id AND scope = NEW.scope AND master IS NULL
    ORDER BY name NOT GLOB 'line_[0-9]*_user', name)), '')
  WHERE device_id = substr(NEW.scope, 8);
END;
