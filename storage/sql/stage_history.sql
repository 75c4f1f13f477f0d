COPY (
    SELECT s.key, o.value, o.status, o.frame_id, o.replaced_at
    FROM pg_temp.sparge_stage AS s
    JOIN sparge.sample_superseded AS o ON o.signal_id = s.signal_id AND o.time = s.time
    WHERE s.key = ANY(%(keys)s::integer[])
        AND o.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
) TO STDOUT (FORMAT BINARY)
