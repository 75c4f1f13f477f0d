SELECT l.topic_id, l.topic, r.source_partition, r.source_offset, g.name, (extract(epoch FROM s.time) * 1000000)::bigint,
       ARRAY[s.value, s.expected, s.score], s.suspect, s.learned
FROM sparge.score AS s
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.result AS r USING (result_id)
JOIN sparge.model AS m USING (model_id)
JOIN sparge.source_log AS l USING (source_log_id)
WHERE u.key = %(unit)s AND m.digest = %(digest)s
    AND s.time >= sparge.at_us(%(start_us)s) AND s.time < sparge.at_us(%(end_us)s)
UNION ALL
SELECT l.topic_id, l.topic, r.source_partition, r.source_offset, '', (extract(epoch FROM s.time) * 1000000)::bigint,
       ARRAY[s.score], s.suspect, s.learned
FROM sparge.unit_score AS s
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.result AS r USING (result_id)
JOIN sparge.model AS m USING (model_id)
JOIN sparge.source_log AS l USING (source_log_id)
WHERE u.key = %(unit)s AND m.digest = %(digest)s
    AND s.time >= sparge.at_us(%(start_us)s) AND s.time < sparge.at_us(%(end_us)s)
