-- The last bucket that is over by a moment, of signals whose samples may have been dropped.
SELECT w.signal_id, (extract(epoch FROM b.time) * 1000000)::bigint, b.last
FROM unnest(%(signal_ids)s::integer[], %(sinces_us)s::bigint[]) AS w (signal_id, since_us)
CROSS JOIN LATERAL (
    SELECT x.time, CASE WHEN x.bad_count = 0 THEN x.last END AS last
    FROM (
        SELECT signal_id, time, last, bad_count FROM sparge.samples_1h WHERE %(level)s = '1h'
        UNION ALL
        SELECT signal_id, time, last, bad_count FROM sparge.samples_1m WHERE %(level)s = '1m'
    ) AS x
    WHERE x.signal_id = w.signal_id
        AND x.time >= sparge.at_us(w.since_us) AND x.time <= sparge.at_us(%(before_us)s)
    ORDER BY x.time DESC
    LIMIT 1
) AS b
WHERE b.last IS NOT NULL
