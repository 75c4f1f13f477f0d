WITH gone AS (
    DELETE FROM sparge.sample
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND time >= to_timestamp(%(first_s)s) AND time < to_timestamp(%(end_s)s)
    RETURNING signal_id
),
replaced AS (
    DELETE FROM sparge.sample_superseded
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND time >= to_timestamp(%(first_s)s) AND time < to_timestamp(%(end_s)s)
),
noted AS (
    UPDATE sparge.signal_upkeep
    SET raw_dropped = raw_dropped + tstzmultirange(tstzrange(to_timestamp(%(first_s)s), to_timestamp(%(end_s)s)))
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND NOT raw_dropped @> tstzrange(to_timestamp(%(first_s)s), to_timestamp(%(end_s)s))
)
SELECT count(*) FROM gone
