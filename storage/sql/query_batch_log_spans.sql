SELECT l.topic_id, l.topic, f.log_partition, min(f.log_offset), max(f.log_offset) + 1
FROM (
    SELECT DISTINCT s.frame_id
    FROM sparge.sample AS s
    JOIN sparge.signal AS g USING (signal_id)
    JOIN sparge.unit AS u USING (unit_id)
    WHERE u.key = %(unit)s AND s.time >= sparge.at_us(%(start_us)s) AND s.time < sparge.at_us(%(end_us)s)
) AS told
JOIN sparge.frame AS f USING (frame_id)
JOIN sparge.log AS l USING (log_id)
GROUP BY l.topic_id, l.topic, f.log_partition
ORDER BY l.topic, l.topic_id, f.log_partition
