-- The models of some families of a tenant: a phone that asks by a name that may be a model's, spelled otherwise.
CREATE INDEX models_by_family ON models (tenant_id, family);
