INSERT INTO sparge.signal_upkeep AS k (signal_id, hold_s, signal_class)
SELECT signal_id, hold_s, signal_class
FROM unnest(%(signal_ids)s::integer[], %(holds_s)s::double precision[], %(classes)s::text[])
    AS w (signal_id, hold_s, signal_class)
ORDER BY signal_id
ON CONFLICT (signal_id) DO UPDATE SET hold_s = excluded.hold_s, signal_class = excluded.signal_class
