INSERT INTO sparge.alarm_transition (
    result_id, unit_id, signal, condition, event, state, time, sample_time, since, value, limit_value, ucum,
    priority, alarm_class, message, cause, consequence, action, respond_within_s, device_state, value_status
)
SELECT result_id, unit_id, signal, condition, event, state, sparge.at_us(time_us), sparge.at_us(sample_us),
       sparge.at_us(since_us), value, limit_value, ucum,
       priority, alarm_class, message, cause, consequence, action, respond_within_s, device_state, value_status
FROM unnest(
    %(result_ids)s::bigint[], %(unit_ids)s::integer[], %(signals)s::text[], %(conditions)s::text[],
    %(events)s::text[], %(states)s::text[], %(times_us)s::bigint[], %(samples_us)s::bigint[],
    %(since_us)s::bigint[], %(values)s::float8[], %(limits)s::float8[], %(ucums)s::text[],
    %(priorities)s::text[], %(classes)s::text[], %(messages)s::text[], %(causes)s::text[],
    %(consequences)s::text[], %(actions)s::text[], %(responds)s::float8[],
    %(device_states)s::text[], %(value_statuses)s::bigint[]
) AS t (
    result_id, unit_id, signal, condition,
    event, state, time_us, sample_us,
    since_us, value, limit_value, ucum,
    priority, alarm_class, message, cause,
    consequence, action, respond_within_s,
    device_state, value_status
)
