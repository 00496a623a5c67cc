-- Phones that ask under an access path of a tenant and are no device of the tenant: what an operator may
-- add with one call. Nothing here is secret, and nothing is decided by it: it is what strangers sent. How
-- many rows there may be says src/store/unknown.rs.
CREATE TABLE unknown_phones (
  tenant_id   TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  mac         TEXT NOT NULL,             -- twelve upper-case hex digits
  vendor      TEXT,                      -- what User-Agent and name suggest; NULL: nothing
  family      TEXT,
  model       TEXT,
  firmware    TEXT,
  -- 0: it does not call itself a phone; 1: it does, and was here once; 2: it does, and came again.
  standing    INTEGER NOT NULL CHECK (standing IN (0, 1, 2)),
  times       INTEGER NOT NULL,          -- requests, as far as their events had room
  first_at    INTEGER NOT NULL,
  last_at     INTEGER NOT NULL,
  -- Of the last request.
  address     TEXT NOT NULL,
  country     TEXT NOT NULL,
  user_agent  TEXT NOT NULL,
  path        TEXT NOT NULL,             -- below the access path, made fit to be read
  PRIMARY KEY (tenant_id, mac)
) STRICT, WITHOUT ROWID;
CREATE INDEX unknown_phones_by_last ON unknown_phones (tenant_id, last_at, mac);
-- Who falls out first.
CREATE INDEX unknown_phones_by_standing ON unknown_phones (tenant_id, standing, last_at);

-- How many rows of unknown phones a minute has added.
ALTER TABLE event_minutes ADD COLUMN new_phones INTEGER NOT NULL DEFAULT 0;
