INSERT INTO sparge.dirty_span (unit_id, first, last)
SELECT g.unit_id, min(s.time), max(s.time)
FROM sparge.sample AS s
JOIN sparge.signal AS g USING (signal_id)
WHERE s.signal_id = ANY(%(signal_ids)s::integer[])
GROUP BY g.unit_id, date_bin('1 hour', s.time, 'epoch')
