-- What was counted of a tenant with many devices, to be said again for a while: counting reads each of them.
CREATE TABLE device_counts (
  tenant_id   TEXT PRIMARY KEY NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  counted_at  INTEGER NOT NULL,
  counts      TEXT NOT NULL              -- JSON: the rows of the statement that counts
) STRICT, WITHOUT ROWID;
