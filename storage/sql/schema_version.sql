SELECT coalesce(max(version), 0) FROM sparge.schema_version
