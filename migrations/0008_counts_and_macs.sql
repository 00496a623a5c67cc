-- What an operator asks often reads what it shows, and not what there is.

-- How many devices have used an access path lately, and when it was last used.
CREATE INDEX access_path_devices_by_use ON access_path_devices (access_path_id, last_at);

-- What was asked for in the name of a MAC, whether it is, was or will be a device of the tenant. Every
-- event of a device has its MAC, so this one takes the place of the index of devices.
CREATE INDEX events_by_mac ON events (tenant_id, mac, id);
DROP INDEX events_by_device;
