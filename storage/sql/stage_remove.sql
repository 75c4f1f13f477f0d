DELETE FROM sparge.sample AS c
USING pg_temp.sparge_stage AS s
WHERE c.signal_id = s.signal_id AND c.time = s.time
    AND s.key = ANY(%(keys)s::integer[])
    AND c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
