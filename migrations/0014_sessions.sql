-- Sessions of the console: who signed in by an API token, and until when.
CREATE TABLE sessions (
  id           TEXT PRIMARY KEY NOT NULL,
  hash         TEXT NOT NULL,             -- SHA-256 of the cookie's secret part, hex
  token_id     TEXT NOT NULL,             -- 'admin': ADMIN_TOKEN, which has no row
  admin_mark   TEXT,                      -- of ADMIN_TOKEN: a digest under the master key, so that another one ends it
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,          -- to five minutes
  expires_at   INTEGER NOT NULL,
  address      TEXT NOT NULL,             -- shortened: an IPv4 /24 or an IPv6 /48
  user_agent   TEXT NOT NULL              -- at most 60 characters
) STRICT;
CREATE INDEX sessions_by_token ON sessions (token_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
