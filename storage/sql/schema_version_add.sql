INSERT INTO sparge.schema_version (version, name) VALUES (%(version)s, %(name)s)
