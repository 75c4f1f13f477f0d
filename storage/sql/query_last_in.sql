-- The last sample of each span; the outer bounds are the same for all, so that no other chunk is planned for.
COPY (
    SELECT s.time, coalesce(s.value, 'NaN'), s.status, w.place::integer - 1
    FROM unnest(%(signal_ids)s::integer[], %(sinces_us)s::bigint[], %(untils_us)s::bigint[])
        WITH ORDINALITY AS w (signal_id, since_us, until_us, place)
    CROSS JOIN LATERAL (
        SELECT x.time, x.value, x.status
        FROM sparge.samples AS x
        WHERE x.signal_id = w.signal_id
            AND x.time >= sparge.at_us(w.since_us) AND x.time < sparge.at_us(w.until_us)
            AND x.time >= sparge.at_us(%(low_us)s) AND x.time < sparge.at_us(%(high_us)s)
        ORDER BY x.time DESC
        LIMIT 1
    ) AS s
) TO STDOUT (FORMAT BINARY)
