INSERT INTO sparge.member (name)
SELECT DISTINCT wanted.name
FROM unnest(%(members)s::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM sparge.member AS m WHERE m.name = wanted.name)
ORDER BY wanted.name
ON CONFLICT DO NOTHING
