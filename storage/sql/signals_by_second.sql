-- A signal that turns out to be fast gets all its seconds: what was digested of it before is marked again.
WITH fast AS (
    UPDATE sparge.signal_upkeep AS k
    SET by_second = TRUE
    WHERE NOT k.by_second
        AND k.signal_id = ANY(%(signal_ids)s::integer[])
        AND EXISTS (
            SELECT FROM unnest(%(signal_ids)s::integer[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
                AS w (signal_id, first, last)
            JOIN sparge.sample_1m AS m
                ON m.signal_id = w.signal_id
                AND m.time BETWEEN date_bin('1 minute', w.first, 'epoch') AND w.last
            WHERE w.signal_id = k.signal_id AND m.count + m.bad_count >= %(from_count)s
        )
    RETURNING k.signal_id
)
INSERT INTO sparge.dirty_span (unit_id, first, last)
SELECT g.unit_id, min(m.time), max(m.time) + interval '1 minute' - interval '1 us'
FROM fast
JOIN sparge.sample_1m AS m USING (signal_id)
JOIN sparge.signal AS g USING (signal_id)
GROUP BY g.unit_id, date_bin('1 hour', m.time, 'epoch')
