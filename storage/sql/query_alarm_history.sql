SELECT site, unit, signal, condition, alarm_id, event, state, time, since, sample_time, value, limit_value, ucum,
       priority, alarm_class, message, cause, consequence, action, respond_within_s, device_state, value_status
FROM sparge.alarm_history
WHERE (%(site)s::text IS NULL OR (site = %(site)s AND unit = %(unit)s))
    AND (%(signals)s::text[] = '{}' OR signal = ANY(%(signals)s))
    AND time >= sparge.at_us(%(start_us)s)
    AND time < sparge.at_us(%(end_us)s)
ORDER BY time, source_topic, source_partition, source_offset, source_index
LIMIT %(limit)s
