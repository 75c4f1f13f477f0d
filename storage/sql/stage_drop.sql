DELETE FROM sparge.sample_superseded AS o
USING pg_temp.sparge_stage AS s
JOIN unnest(%(keys)s::integer[], %(frame_ids)s::bigint[]) AS gone (key, frame_id) ON gone.key = s.key
WHERE o.signal_id = s.signal_id AND o.time = s.time AND o.frame_id = gone.frame_id
