-- Webhooks: where somebody wants to be told of what happens. What is to be told, and what became of it, is not
-- here: each has a Durable Object with tables of its own (src/webhooks/record.rs).
CREATE TABLE webhooks (
  id          TEXT PRIMARY KEY NOT NULL, -- also the name of its Durable Object
  tenant_id   TEXT REFERENCES tenants (id) ON DELETE CASCADE, -- NULL: of the whole installation
  name        TEXT NOT NULL,
  url         TEXT NOT NULL,
  kinds       TEXT NOT NULL,             -- JSON: of what it is told
  options     TEXT NOT NULL,             -- JSON, see src/model/webhook.rs
  disabled    INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  revision    INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_tenant ON webhooks (tenant_id, id);

-- What its messages are signed with: the newest, and the one before for a while.
CREATE TABLE webhook_secrets (
  webhook_id  TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  secret      TEXT NOT NULL,             -- wrapped
  master      TEXT NOT NULL,             -- id of the master key that wraps it
  ends_at     INTEGER,                   -- NULL: the newest
  PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_secrets_by_master ON webhook_secrets (master, webhook_id, number);

-- What a webhook looks for, by the time at which it came about.
CREATE INDEX devices_unexpected_since ON devices (delivered_at) WHERE unexpected_network = 1;
CREATE INDEX devices_delivered_since ON devices (delivered_at) WHERE key_state = 'delivered';
