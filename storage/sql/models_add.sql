INSERT INTO sparge.model (name, version, digest)
SELECT %(name)s, %(version)s, %(digest)s
WHERE NOT EXISTS (
    SELECT FROM sparge.model WHERE name = %(name)s AND version = %(version)s AND digest = %(digest)s
)
ON CONFLICT DO NOTHING
