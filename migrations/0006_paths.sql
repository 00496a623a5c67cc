-- Under which path a phone asked: events say which access path was used and, of requests that got no
-- file, the name that was asked for; an access path says when it was last used, and by which devices.

ALTER TABLE events ADD COLUMN path TEXT;         -- below the access path, made fit to be read; NULL: a file went out
ALTER TABLE events ADD COLUMN access_path TEXT;  -- id; kept when the access path goes

-- When it was last used for a file, to the hour, by a request that named no device.
ALTER TABLE access_paths ADD COLUMN last_used_at INTEGER;

-- When a device last got a file under an access path, to the hour: a row is written once an hour at
-- most, so that a fleet that asks often costs little. Gone with its access path or its device.
CREATE TABLE access_path_devices (
  access_path_id TEXT NOT NULL REFERENCES access_paths (id) ON DELETE CASCADE,
  device_id      TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
  last_at        INTEGER NOT NULL,
  PRIMARY KEY (access_path_id, device_id)
) STRICT, WITHOUT ROWID;
-- For the cascade.
CREATE INDEX access_path_devices_by_device ON access_path_devices (device_id);
