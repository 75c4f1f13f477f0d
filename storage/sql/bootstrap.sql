CREATE SCHEMA IF NOT EXISTS sparge;
CREATE TABLE IF NOT EXISTS sparge.schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
