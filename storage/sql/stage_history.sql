SELECT array_agg(s.key), array_agg(o.value), array_agg(o.status), array_agg(o.frame_id), array_agg(o.replaced_at)
FROM pg_temp.sparge_stage AS s
JOIN sparge.sample_superseded AS o ON o.signal_id = s.signal_id AND o.time = s.time
WHERE (%(keys)s::integer[] IS NULL OR s.key = ANY(%(keys)s::integer[]))
    AND o.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
