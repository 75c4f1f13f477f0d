INSERT INTO sparge.batch (member_id, unit_id, name)
SELECT DISTINCT m.member_id, wanted.unit_id, wanted.name
FROM unnest(%(members)s::text[], %(unit_ids)s::integer[], %(names)s::text[]) AS wanted (member, unit_id, name)
JOIN sparge.member AS m ON m.name = wanted.member
WHERE NOT EXISTS (
    SELECT FROM sparge.batch AS b
    WHERE b.member_id = m.member_id AND b.unit_id = wanted.unit_id AND b.name = wanted.name
)
ORDER BY m.member_id, wanted.unit_id, wanted.name
ON CONFLICT DO NOTHING
