WITH taken AS (
    DELETE FROM sparge.sample AS c
    USING pg_temp.sparge_stage AS s
    WHERE c.signal_id = s.signal_id AND c.time = s.time
        AND c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
    RETURNING s.key, c.value, c.status, c.frame_id, coalesce(c.confirmed_frame_id, c.frame_id) AS confirmed
)
SELECT array_agg(key), array_agg(value), array_agg(status), array_agg(frame_id), array_agg(confirmed)
FROM taken
