SELECT made_at, site, unit, signal, condition, limit_value, ucum, minutes, from_minutes, to_minutes, told, model, model_version
FROM sparge.limits_ahead
WHERE signal_id = ANY(%(signal_ids)s::integer[])
    AND made_at >= sparge.at_us(%(start_us)s)
    AND made_at < sparge.at_us(%(end_us)s)
ORDER BY made_at, signal_id, condition
LIMIT %(limit)s
