SELECT DISTINCT wanted.member, wanted.unit_id, wanted.name, b.batch_id
FROM unnest(%(members)s::text[], %(unit_ids)s::integer[], %(names)s::text[]) AS wanted (member, unit_id, name)
JOIN sparge.member AS m ON m.name = wanted.member
JOIN sparge.batch AS b ON b.member_id = m.member_id AND b.unit_id = wanted.unit_id AND b.name = wanted.name
