-- Finding devices by a part of their MAC, label, model or site, and moving them to another tenant.

-- What a search looks through, a row for each device. A tenant's devices have numbers next to each
-- other (its own number times 2^24, and up), so that a search in one tenant reads that range alone.
CREATE TABLE search_tenants (
  number      INTEGER PRIMARY KEY,
  tenant_id   TEXT NOT NULL UNIQUE REFERENCES tenants (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE search_devices (
  number      INTEGER PRIMARY KEY,
  device_id   TEXT NOT NULL UNIQUE,
  mac         TEXT NOT NULL,
  label       TEXT NOT NULL,
  model       TEXT NOT NULL,
  site        TEXT NOT NULL              -- name; '' where it has none
) STRICT;

-- The trigrams of those texts; the texts themselves stay in the table above. `wrangler d1 export`
-- does not take virtual tables: README says how to go about it.
CREATE VIRTUAL TABLE device_search USING fts5 (
  mac, label, model, site,
  content = 'search_devices', content_rowid = 'number', tokenize = 'trigram', columnsize = 0
);

-- The triggers keep both in step with the devices and the sites.
CREATE TRIGGER search_text_is_added AFTER INSERT ON search_devices
BEGIN
  INSERT INTO device_search (rowid, mac, label, model, site)
  VALUES (NEW.number, NEW.mac, NEW.label, NEW.model, NEW.site);
END;

CREATE TRIGGER search_text_is_removed AFTER DELETE ON search_devices
BEGIN
  INSERT INTO device_search (device_search, rowid, mac, label, model, site)
  VALUES ('delete', OLD.number, OLD.mac, OLD.label, OLD.model, OLD.site);
END;

CREATE TRIGGER search_text_is_changed AFTER UPDATE ON search_devices
BEGIN
  INSERT INTO device_search (device_search, rowid, mac, label, model, site)
  VALUES ('delete', OLD.number, OLD.mac, OLD.label, OLD.model, OLD.site);
  INSERT INTO device_search (rowid, mac, label, model, site)
  VALUES (NEW.number, NEW.mac, NEW.label, NEW.model, NEW.site);
END;

CREATE TRIGGER device_is_found_when_added AFTER INSERT ON devices
BEGIN
  INSERT INTO search_tenants (tenant_id) SELECT NEW.tenant_id
  WHERE NOT EXISTS (SELECT 1 FROM search_tenants WHERE tenant_id = NEW.tenant_id);
  INSERT INTO search_devices (number, device_id, mac, label, model, site)
  SELECT coalesce((SELECT max(number) FROM search_devices
      WHERE number >= t.number << 24 AND number < (t.number + 1) << 24), t.number << 24) + 1,
    NEW.id, NEW.mac, NEW.label, NEW.model,
    coalesce((SELECT name FROM sites WHERE id = NEW.site_id), '')
  FROM search_tenants t WHERE t.tenant_id = NEW.tenant_id;
END;

CREATE TRIGGER device_is_not_found_when_deleted AFTER DELETE ON devices
BEGIN
  DELETE FROM search_devices WHERE device_id = OLD.id;
END;

CREATE TRIGGER device_is_found_as_it_is AFTER UPDATE OF mac, label, model, site_id ON devices
WHEN OLD.tenant_id = NEW.tenant_id AND (OLD.mac <> NEW.mac OR OLD.label <> NEW.label
  OR OLD.model <> NEW.model OR OLD.site_id IS NOT NEW.site_id)
BEGIN
  UPDATE search_devices SET mac = NEW.mac, label = NEW.label, model = NEW.model,
    site = coalesce((SELECT name FROM sites WHERE id = NEW.site_id), '')
  WHERE device_id = NEW.id;
END;

CREATE TRIGGER device_is_found_where_it_is AFTER UPDATE OF tenant_id ON devices
WHEN OLD.tenant_id <> NEW.tenant_id
BEGIN
  DELETE FROM search_devices WHERE device_id = OLD.id;
  INSERT INTO search_tenants (tenant_id) SELECT NEW.tenant_id
  WHERE NOT EXISTS (SELECT 1 FROM search_tenants WHERE tenant_id = NEW.tenant_id);
  INSERT INTO search_devices (number, device_id, mac, label, model, site)
  SELECT coalesce((SELECT max(number) FROM search_devices
      WHERE number >= t.number << 24 AND number < (t.number + 1) << 24), t.number << 24) + 1,
    NEW.id, NEW.mac, NEW.label, NEW.model,
    coalesce((SELECT name FROM sites WHERE id = NEW.site_id), '')
  FROM search_tenants t WHERE t.tenant_id = NEW.tenant_id;
END;

CREATE TRIGGER devices_are_found_by_their_sites_name AFTER UPDATE OF name ON sites
WHEN OLD.name <> NEW.name
BEGIN
  UPDATE search_devices SET site = NEW.name
  WHERE device_id IN (SELECT id FROM devices WHERE site_id = NEW.id);
END;

-- What is there already.
INSERT INTO search_tenants (tenant_id) SELECT DISTINCT tenant_id FROM devices ORDER BY tenant_id;
INSERT INTO search_devices (number, device_id, mac, label, model, site)
SELECT (t.number << 24) + row_number() OVER (PARTITION BY d.tenant_id ORDER BY d.id),
  d.id, d.mac, d.label, d.model, coalesce(s.name, '')
FROM devices d JOIN search_tenants t ON t.tenant_id = d.tenant_id LEFT JOIN sites s ON s.id = d.site_id
ORDER BY 1;

-- What the log says of a MAC in one tenant is looked up without reading what it says in another.
DROP INDEX audit_by_object;
CREATE INDEX audit_by_object ON audit (tenant_id, object, id);

-- A MAC in every tenant.
CREATE INDEX devices_by_mac ON devices (mac, id);

-- The segment of an access path that a moved phone is sent to, wrapped; NULL: nobody knows it any more
-- but those to whom it was shown.
ALTER TABLE access_paths ADD COLUMN segment TEXT;
ALTER TABLE access_paths ADD COLUMN master TEXT; -- id of the master key that wraps it
CREATE INDEX access_paths_by_master ON access_paths (master, id) WHERE master IS NOT NULL;

-- Until when the tenant that a device left sends the phone on; NULL: not, or it was here since.
ALTER TABLE devices ADD COLUMN forward_until INTEGER;

-- Devices that left a tenant: what was cached there is void, and the phone is sent on.
CREATE TABLE moves (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE, -- the one it left
  mac         TEXT NOT NULL,
  device_id   TEXT NOT NULL,
  target_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE, -- the one that it is in
  version     INTEGER NOT NULL,          -- of the change in the tenant it left; older files are void
  moved_at    INTEGER NOT NULL,
  access_path_id TEXT REFERENCES access_paths (id) ON DELETE SET NULL, -- the target's, for its initial file
  ends_at     INTEGER NOT NULL,          -- until when the phone is sent on; 0: it is not
  PRIMARY KEY (tenant_id, mac)
) STRICT, WITHOUT ROWID;
CREATE INDEX moves_by_fence ON moves (tenant_id, moved_at);
CREATE INDEX moves_by_device ON moves (device_id);
CREATE INDEX moves_by_target ON moves (target_id);
CREATE INDEX moves_by_access_path ON moves (access_path_id) WHERE access_path_id IS NOT NULL;
CREATE INDEX moves_by_age ON moves (moved_at);
