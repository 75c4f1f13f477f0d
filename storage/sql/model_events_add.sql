INSERT INTO sparge.model_event (
    event_id, log_id, log_partition, log_offset, recorded_at, time,
    event, who, why, model_id, alarm_id, raised_at, verdict, body
)
SELECT event_id, log_id, log_partition, log_offset, sparge.at_us(recorded_us), sparge.at_us(time_us),
       event, who, why, model_id, alarm_id, sparge.at_us(raised_us), verdict, body
FROM unnest(
    %(ids)s::text[], %(log_ids)s::integer[], %(partitions)s::integer[], %(offsets)s::bigint[],
    %(recorded_us)s::bigint[], %(times_us)s::bigint[], %(events)s::text[], %(names)s::text[],
    %(reasons)s::text[], %(model_ids)s::integer[], %(alarms)s::text[], %(raised_us)s::bigint[],
    %(verdicts)s::text[], %(bodies)s::text[]
) AS said (
    event_id, log_id, log_partition, log_offset,
    recorded_us, time_us, event, who,
    why, model_id, alarm_id, raised_us,
    verdict, body
)
ON CONFLICT DO NOTHING
