-- Samples of the log that watch judged and that are known otherwise now: what came later is no news to it.
SELECT g.name, (extract(epoch FROM o.time) * 1000000)::bigint, NULLIF(o.value, 'NaN'), NULLIF(s.value, 'NaN'),
       (extract(epoch FROM f.recorded_at) * 1000000)::bigint
FROM sparge.sample_superseded AS o
JOIN sparge.sample AS s USING (signal_id, time)
JOIN sparge.frame AS f ON f.frame_id = s.frame_id
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.frame AS b ON b.frame_id = o.frame_id
JOIN sparge.log AS l ON l.log_id = b.log_id
WHERE u.key = %(unit)s AND l.topic = %(topic)s AND o.replaced_at > '-infinity'
    AND o.time >= sparge.at_us(%(start_us)s) AND o.time < sparge.at_us(%(end_us)s)
    AND (NULLIF(o.value, 'NaN'), o.status) IS DISTINCT FROM (NULLIF(s.value, 'NaN'), s.status)
ORDER BY o.time, g.name
