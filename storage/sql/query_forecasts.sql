SELECT site, unit, signal, made_at, horizon_s, time, value, lower, upper, ucum, coverage, fallback, model, model_version,
       reached, silent, role
FROM sparge.forecasts
WHERE signal_id = ANY(%(signal_ids)s::integer[])
    AND made_at >= sparge.at_us(%(start_us)s)
    AND made_at < sparge.at_us(%(end_us)s)
ORDER BY made_at, signal_id, horizon_s
LIMIT %(limit)s
