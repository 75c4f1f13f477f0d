-- Only the branch of the level that is asked for is ever planned; the order is the reader's to make.
COPY (
    SELECT signal_id, time, coalesce(min, 'NaN'), coalesce(max, 'NaN'), coalesce(first, 'NaN'),
           coalesce(last, 'NaN'), coalesce(mean, 'NaN'), coalesce(known_s, 'NaN'), count, bad_count
    FROM (
        SELECT signal_id, time, min, max, first, last, mean, known_s, count, bad_count
        FROM sparge.samples_1h
        WHERE %(level)s = '1h'
        UNION ALL
        SELECT signal_id, time, min, max, first, last, mean, known_s, count, bad_count
        FROM sparge.samples_1m
        WHERE %(level)s = '1m'
        UNION ALL
        SELECT signal_id, time, min, max, first, last, mean, known_s, count, bad_count
        FROM sparge.samples_1s
        WHERE %(level)s = '1s'
    ) AS b
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND time >= sparge.at_us(%(start_us)s)
        AND time < sparge.at_us(%(end_us)s)
) TO STDOUT (FORMAT BINARY)
