INSERT INTO sparge.site (name)
SELECT DISTINCT wanted.name
FROM unnest(%(sites)s::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM sparge.site AS s WHERE s.name = wanted.name)
ORDER BY wanted.name
ON CONFLICT DO NOTHING
