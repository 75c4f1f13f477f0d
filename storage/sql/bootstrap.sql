-- CREATE SCHEMA IF NOT EXISTS asks for the right to create even where an administrator has made the schema.
DO $$
BEGIN
    IF to_regnamespace('sparge') IS NULL THEN
        CREATE SCHEMA sparge;
    END IF;
END
$$;
CREATE TABLE IF NOT EXISTS sparge.schema_version (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
