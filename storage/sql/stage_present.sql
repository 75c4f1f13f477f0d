SELECT array_agg(s.key), array_agg(c.value), array_agg(c.status), array_agg(c.frame_id),
       array_agg(coalesce(c.confirmed_frame_id, c.frame_id))
FROM pg_temp.sparge_stage AS s
JOIN sparge.sample AS c ON c.signal_id = s.signal_id AND c.time = s.time
WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
