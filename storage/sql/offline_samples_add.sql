INSERT INTO sparge.offline_sample AS known (
    batch_id, time, assay, value, ucum, log_id, log_partition, log_offset
)
SELECT batch_id, sparge.at_us(time_us), assay, value, ucum, log_id, log_partition, log_offset
FROM unnest(
    %(batch_ids)s::integer[], %(times_us)s::bigint[], %(assays)s::text[], %(values)s::float8[],
    %(ucums)s::text[], %(log_ids)s::integer[], %(partitions)s::integer[], %(offsets)s::bigint[]
) AS said (batch_id, time_us, assay, value, ucum, log_id, log_partition, log_offset)
ON CONFLICT (batch_id, time, assay) DO UPDATE
SET value = excluded.value,
    ucum = excluded.ucum,
    log_id = excluded.log_id,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset
WHERE (
        SELECT (e.recorded_at, l.topic COLLATE "C", e.log_partition, e.log_offset)
        FROM sparge.batch_event AS e
        JOIN sparge.log AS l USING (log_id)
        WHERE (e.log_id, e.log_partition, e.log_offset)
            = (excluded.log_id, excluded.log_partition, excluded.log_offset)
    ) > (
        SELECT (e.recorded_at, l.topic COLLATE "C", e.log_partition, e.log_offset)
        FROM sparge.batch_event AS e
        JOIN sparge.log AS l USING (log_id)
        WHERE (e.log_id, e.log_partition, e.log_offset) = (known.log_id, known.log_partition, known.log_offset)
    )
