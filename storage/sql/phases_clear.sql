DELETE FROM sparge.phase AS p
USING sparge.batch AS b
WHERE b.batch_id = p.batch_id AND b.unit_id = ANY(%(unit_ids)s::integer[])
