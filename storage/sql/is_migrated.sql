SELECT to_regclass('sparge.schema_version') IS NOT NULL
