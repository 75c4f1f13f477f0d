-- Which staged rows meet a sample that is known already.
COPY (
    SELECT s.place
    FROM pg_temp.sparge_stage AS s
    JOIN sparge.sample AS c ON c.signal_id = s.signal_id AND c.time = s.time
    WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
) TO STDOUT (FORMAT BINARY)
