-- Only the branch of the level that is asked for is ever planned; the order is the reader's to make.
-- A row a signal, its buckets in arrays: a row a bucket costs the reader more than it costs to find it.
SELECT signal_id, array_agg(time), array_agg(coalesce(min, 'NaN')), array_agg(coalesce(max, 'NaN')),
       array_agg(coalesce(first, 'NaN')), array_agg(coalesce(last, 'NaN')), array_agg(coalesce(mean, 'NaN')),
       array_agg(coalesce(known_s, 'NaN')), array_agg(count), array_agg(bad_count)
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
GROUP BY signal_id
