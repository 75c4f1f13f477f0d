SELECT site, unit, signal, time, value, expected, ucum, score, suspect, learned, model, model_version, role
FROM sparge.scores
WHERE signal_id = ANY(%(signal_ids)s::integer[])
    AND time >= sparge.at_us(%(start_us)s)
    AND time < sparge.at_us(%(end_us)s)
ORDER BY time, signal_id
LIMIT %(limit)s
