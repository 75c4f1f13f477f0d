SELECT site, unit, signal, condition, alarm_id, state, active, since, time, value, limit_value, ucum, priority,
       alarm_class, message, cause, consequence, action, respond_within_s, device_state, value_status
FROM sparge.alarms
WHERE (%(site)s::text IS NULL OR (site = %(site)s AND unit = %(unit)s))
    AND (active OR NOT %(active_only)s)
ORDER BY active DESC, time DESC, alarm_id
