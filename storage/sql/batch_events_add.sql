INSERT INTO sparge.batch_event (
    log_id, log_partition, log_offset, recorded_at, time, batch_id,
    event, phase, organism, process, scale_l, operator
)
SELECT log_id, log_partition, log_offset, sparge.at_us(recorded_us), sparge.at_us(time_us), batch_id,
       event, phase, organism, process, scale_l, operator
FROM unnest(
    %(log_ids)s::integer[], %(partitions)s::integer[], %(offsets)s::bigint[], %(recorded_us)s::bigint[],
    %(times_us)s::bigint[], %(batch_ids)s::integer[], %(events)s::text[], %(phases)s::text[],
    %(organisms)s::text[], %(processes)s::text[], %(scales_l)s::float8[], %(operators)s::text[]
) AS said (
    log_id, log_partition, log_offset, recorded_us,
    time_us, batch_id, event, phase,
    organism, process, scale_l, operator
)
ON CONFLICT DO NOTHING
