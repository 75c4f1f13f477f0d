-- A known identity is a repeat, and leaves no row here. One that was recorded earlier than what is stored (the other
-- of the two topics was read first) takes its place in the order of versions: the same rows whatever arrives first.
-- What came of each device is kept as ranges of sequence numbers: one row to touch a device and batch.
WITH horizon AS (SELECT sparge.late_after() AS late_after),
added AS (
    INSERT INTO sparge.frame AS known (
        unit_id, log_id, log_partition, log_offset, device, epoch, sequence, edge_at, recorded_at, sent_units, sample_count,
        late_before
    )
    SELECT unit_id, log_id, log_partition, log_offset, device, epoch, sequence,
           sparge.at_us(nullif(edge_us, -1)), sparge.at_us(recorded_us),
           %(sent_units)s::jsonb -> sent_place, sample_count,
           CASE WHEN sparge.at_us(nullif(first_us, -1)) < sparge.at_us(recorded_us) - late_after
               THEN sparge.at_us(recorded_us) - late_after END
    FROM horizon, unnest(
        %(unit_ids)s::integer[], %(log_ids)s::integer[], %(partitions)s::integer[], %(offsets)s::bigint[],
        %(device_places)s::integer[], %(epochs)s::bigint[], %(sequences)s::bigint[], %(edge_us)s::bigint[],
        %(recorded_us)s::bigint[], %(sent_places)s::integer[], %(sample_counts)s::integer[], %(first_us)s::bigint[]
    ) AS sent (
        unit_id, log_id, log_partition, log_offset,
        device_place, epoch, sequence, edge_us,
        recorded_us, sent_place, sample_count, first_us
    )
    CROSS JOIN LATERAL (SELECT (%(devices)s::text[])[device_place + 1] AS device) AS named
    ORDER BY unit_id, device COLLATE "C", epoch, sequence
    ON CONFLICT (unit_id, device, epoch, sequence) DO UPDATE
    SET log_id = excluded.log_id,
        log_partition = excluded.log_partition,
        log_offset = excluded.log_offset,
        recorded_at = excluded.recorded_at,
        late_before = excluded.late_before
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
    RETURNING unit_id, device, epoch, sequence, frame_id, recorded_at, xmax = 0 AS inserted
),
received AS (
    INSERT INTO sparge.receipt AS known (unit_id, device, epoch, block, received, last_recorded_at)
    SELECT unit_id, device, epoch, sequence >> 16, range_agg(int8range(sequence, sequence, '[]')), max(recorded_at)
    FROM added
    -- A range ends above its last number, and the greatest of all has nothing above it.
    WHERE inserted AND sequence < 9223372036854775807
    GROUP BY unit_id, device, epoch, sequence >> 16
    ORDER BY unit_id, device COLLATE "C", epoch, sequence >> 16
    ON CONFLICT (unit_id, device, epoch, block) DO UPDATE
    SET received = known.received + excluded.received,
        last_recorded_at = greatest(known.last_recorded_at, excluded.last_recorded_at)
)
SELECT unit_id, device, epoch, sequence, frame_id, inserted FROM added
