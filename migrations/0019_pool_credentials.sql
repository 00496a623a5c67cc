-- What a pool that sends its NOTIFYs itself answers with when its proxy challenges.
CREATE TABLE pool_credentials (
  pool_id    TEXT PRIMARY KEY NOT NULL REFERENCES pools (id) ON DELETE CASCADE,
  username   TEXT NOT NULL,
  realm      TEXT,                      -- NULL: whichever the proxy names
  password   TEXT NOT NULL,             -- wrapped
  master     TEXT NOT NULL,             -- id of the master key that wraps it
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pool_credentials_by_master ON pool_credentials (master, pool_id);
