SELECT f.log_offset, (extract(epoch FROM f.recorded_at) * 1000000)::bigint
FROM sparge.frame AS f
JOIN sparge.log AS l USING (log_id)
JOIN sparge.unit AS u USING (unit_id)
WHERE u.key = %(unit)s AND l.topic_id = %(topic_id)s AND l.topic = %(topic)s
    AND f.log_partition = %(partition)s AND f.log_offset < %(before)s
ORDER BY f.log_offset
