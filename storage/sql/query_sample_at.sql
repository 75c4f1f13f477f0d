COPY (
    SELECT s.time, coalesce(s.value, 'NaN'), s.status, s.signal_id
    FROM unnest(%(signal_ids)s::integer[]) WITH ORDINALITY AS wanted (signal_id, place)
    CROSS JOIN LATERAL (
        SELECT x.time, x.value, x.status, x.signal_id
        FROM sparge.samples AS x
        WHERE x.signal_id = wanted.signal_id AND x.time <= coalesce(sparge.at_us(%(at_us)s), 'infinity')
        ORDER BY x.time DESC
        LIMIT 1
    ) AS s
    ORDER BY wanted.place
) TO STDOUT (FORMAT BINARY)
