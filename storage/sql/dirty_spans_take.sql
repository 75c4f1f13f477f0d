WITH wanted AS (
    SELECT unit_id, to_timestamp(hour_s) AS hour
    FROM unnest(%(unit_ids)s::integer[], %(hours_s)s::bigint[]) AS w (unit_id, hour_s)
),
taken AS (
    DELETE FROM sparge.dirty_span AS d
    USING wanted AS w
    WHERE d.unit_id = w.unit_id AND date_bin('1 hour', d.first, 'epoch') = w.hour
    RETURNING d.unit_id, d.first, d.last
),
due AS (
    INSERT INTO sparge.dirty_hour (unit_id, hour)
    SELECT DISTINCT unit_id, date_bin('1 hour', first, 'epoch') FROM taken
    ON CONFLICT DO NOTHING
)
SELECT g.signal_id, lower(m.span), upper(m.span) - interval '1 us'
FROM (
    SELECT unit_id,
           unnest(range_agg(tstzrange(
               date_bin('1 s', first, 'epoch'), date_bin('1 s', last, 'epoch') + interval '1 s'
           ))) AS span
    FROM taken
    GROUP BY unit_id
) AS m
JOIN sparge.signal AS g USING (unit_id)
