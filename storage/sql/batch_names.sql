SELECT b.name
FROM sparge.batch AS b
JOIN sparge.unit AS u USING (unit_id)
WHERE u.key = %(unit)s
ORDER BY b.started_at DESC NULLS LAST
LIMIT 5
