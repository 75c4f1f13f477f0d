WITH taken AS (
    DELETE FROM sparge.dirty_hour AS d
    USING unnest(%(unit_ids)s::integer[], %(hours_s)s::bigint[]) AS w (unit_id, hour_s)
    WHERE d.unit_id = w.unit_id AND d.hour = to_timestamp(w.hour_s)
    RETURNING d.unit_id, d.hour
)
SELECT g.signal_id, t.hour, t.hour + interval '1 hour' - interval '1 us'
FROM taken AS t
JOIN sparge.signal AS g USING (unit_id)
