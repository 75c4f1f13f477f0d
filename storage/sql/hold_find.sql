SELECT b.batch_id, m.name
FROM sparge.batch AS b
JOIN sparge.member AS m USING (member_id)
JOIN sparge.unit AS u USING (unit_id)
WHERE u.key = %(unit)s AND b.name = %(batch)s AND (m.name = %(member)s OR %(member)s::text IS NULL)
ORDER BY m.name
