SELECT f.frame_id, (extract(epoch FROM f.recorded_at) * 1000000)::bigint, l.topic, f.log_partition, f.log_offset
FROM sparge.frame AS f
JOIN sparge.log AS l USING (log_id)
WHERE f.frame_id = ANY(%(frame_ids)s::bigint[])
