SELECT l.topic_id, l.topic, r.source_partition, r.source_offset, told.signal,
       (extract(epoch FROM told.time) * 1000000)::bigint, told.horizon_s, told.numbers, told.suspect, told.learned, r.role
FROM (
    SELECT s.result_id, g.name AS signal, s.time, 0 AS horizon_s, ARRAY[s.value, s.expected, s.score] AS numbers,
           s.suspect, s.learned
    FROM sparge.score AS s
    JOIN sparge.signal AS g USING (signal_id)
    JOIN sparge.unit AS u USING (unit_id)
    WHERE u.key = %(unit)s AND s.time >= sparge.at_us(%(start_us)s) AND s.time < sparge.at_us(%(end_us)s)
    UNION ALL
    SELECT s.result_id, '', s.time, 0, ARRAY[s.score], s.suspect, s.learned
    FROM sparge.unit_score AS s
    JOIN sparge.unit AS u USING (unit_id)
    WHERE u.key = %(unit)s AND s.time >= sparge.at_us(%(start_us)s) AND s.time < sparge.at_us(%(end_us)s)
    UNION ALL
    SELECT s.result_id, g.name, s.made_at, s.horizon_s, ARRAY[s.value, s.lower, s.upper],
           s.fallback, coalesce(s.silent, FALSE)
    FROM sparge.forecast AS s
    JOIN sparge.signal AS g USING (signal_id)
    JOIN sparge.unit AS u USING (unit_id)
    WHERE u.key = %(unit)s AND s.made_at >= sparge.at_us(%(start_us)s) AND s.made_at < sparge.at_us(%(end_us)s)
) AS told
JOIN sparge.result AS r USING (result_id)
JOIN sparge.model AS m USING (model_id)
JOIN sparge.source_log AS l USING (source_log_id)
WHERE m.digest = %(digest)s
