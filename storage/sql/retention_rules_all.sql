SELECT level, signal_class, member, keep_days
FROM sparge.retention_rule
ORDER BY array_position(ARRAY['raw', '1s', '1m', '1h', 'scores', 'forecasts'], level), member NULLS FIRST, signal_class NULLS FIRST
