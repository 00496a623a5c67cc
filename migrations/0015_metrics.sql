-- What GET /metrics says, counted by the cron event so that a scrape reads few rows.

-- Requests of phones that left an event, since the deployment began to count. Rows are only added to: what
-- retention takes out of `events` was counted before. Each column is one of a few words.
CREATE TABLE metric_fetches (
  kind        TEXT NOT NULL,             -- 'none': the request named no file
  outcome     TEXT NOT NULL,
  reason      TEXT NOT NULL,
  number      INTEGER NOT NULL,
  PRIMARY KEY (kind, outcome, reason)
) STRICT, WITHOUT ROWID;

-- Other numbers: requests altogether, devices by state and by condition.
CREATE TABLE metric_values (
  name        TEXT NOT NULL,             -- requests, state, condition
  label       TEXT NOT NULL,             -- the state or the condition; ''
  value       INTEGER NOT NULL,
  PRIMARY KEY (name, label)
) STRICT, WITHOUT ROWID;

-- How far was counted. It moves on in the transaction that counts, so nothing is counted twice.
CREATE TABLE metric_progress (
  id          INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
  event       TEXT NOT NULL,             -- events below this id are counted
  minute      INTEGER NOT NULL,          -- minutes below this one are counted
  counted_at  INTEGER NOT NULL,          -- when events were last counted, in Unix milliseconds
  devices_at  INTEGER NOT NULL           -- when devices were last counted
) STRICT;
INSERT INTO metric_progress (id, event, minute, counted_at, devices_at) VALUES (1, '', 0, 0, 0);

-- Tokens that read the metrics and nothing else: the time at which such a token ends, in Unix milliseconds;
-- 9007199254740991: it does not end. NULL: a token that reads or writes. In `access` and `expires_at` a token
-- for metrics looks like one that has long expired, so that a Worker of before opens to it in no way.
ALTER TABLE tokens ADD COLUMN metrics_until INTEGER;
