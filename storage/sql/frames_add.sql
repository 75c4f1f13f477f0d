-- A known identity is a repeat, and leaves no row here. One that was recorded earlier than what is stored (the other
-- of the two topics was read first) takes its place in the order of versions: the same rows whatever arrives first.
INSERT INTO sparge.frame AS known (
    unit_id, log_id, log_partition, log_offset, device, epoch, sequence, edge_at, recorded_at, sent_units, sample_count
)
SELECT unit_id, log_id, log_partition, log_offset, device, epoch, sequence,
       sparge.at_us(edge_us), sparge.at_us(recorded_us), sent_units::jsonb, sample_count
FROM unnest(
    %(unit_ids)s::integer[], %(log_ids)s::integer[], %(partitions)s::integer[], %(offsets)s::bigint[],
    %(devices)s::text[], %(epochs)s::bigint[], %(sequences)s::bigint[], %(edge_us)s::bigint[],
    %(recorded_us)s::bigint[], %(sent_units)s::text[], %(sample_counts)s::integer[]
) AS sent (
    unit_id, log_id, log_partition, log_offset,
    device, epoch, sequence, edge_us,
    recorded_us, sent_units, sample_count
)
ORDER BY unit_id, device COLLATE "C", epoch, sequence
ON CONFLICT (unit_id, device, epoch, sequence) DO UPDATE
SET log_id = excluded.log_id,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    recorded_at = excluded.recorded_at
WHERE (
        excluded.recorded_at,
        (SELECT topic COLLATE "C" FROM sparge.log WHERE log_id = excluded.log_id),
        excluded.log_partition,
        excluded.log_offset
    ) < (
        known.recorded_at,
        (SELECT topic COLLATE "C" FROM sparge.log WHERE log_id = known.log_id),
        known.log_partition,
        known.log_offset
    )
-- A row that this statement inserted has no deleter; one that it updated has been locked by it.
RETURNING unit_id, device, epoch, sequence, frame_id, xmax = 0 AS inserted
