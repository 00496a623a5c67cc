-- How many messages of a webhook were given up, as its object last said: who looks at many webhooks asks no object.
ALTER TABLE webhooks ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;
CREATE INDEX webhooks_with_dead ON webhooks (id) WHERE dead > 0;
