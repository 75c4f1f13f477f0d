INSERT INTO sparge.signal_upkeep AS k (signal_id, hold_s)
SELECT signal_id, hold_s
FROM unnest(%(signal_ids)s::integer[], %(holds_s)s::double precision[]) AS w (signal_id, hold_s)
ORDER BY signal_id
ON CONFLICT (signal_id) DO UPDATE SET hold_s = excluded.hold_s WHERE k.hold_s <> excluded.hold_s
