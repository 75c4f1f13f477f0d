SELECT g.unit_id, k.signal_class, array_agg(g.signal_id ORDER BY g.signal_id)
FROM sparge.signal AS g
LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
GROUP BY g.unit_id, k.signal_class
ORDER BY g.unit_id, k.signal_class
