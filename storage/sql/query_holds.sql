SELECT g.signal_id, g.name, k.hold_s
FROM sparge.signal AS g
LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
WHERE g.signal_id = ANY(%(signal_ids)s::integer[])
