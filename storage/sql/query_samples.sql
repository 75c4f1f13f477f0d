COPY (
    SELECT time, coalesce(value, 'NaN'), status, signal_id
    FROM sparge.samples
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND time >= sparge.at_us(%(start_us)s)
        AND time < sparge.at_us(%(end_us)s)
    ORDER BY time, signal_id
    LIMIT %(limit)s
) TO STDOUT (FORMAT BINARY)
