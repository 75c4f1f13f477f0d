SELECT g.signal_id, g.name, k.hold_s, k.signal_class
FROM sparge.signal AS g
LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
