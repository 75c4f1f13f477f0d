WITH gone AS (
    DELETE FROM sparge.score
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND time >= to_timestamp(%(first_s)s) AND time < to_timestamp(%(end_s)s)
    RETURNING signal_id
)
SELECT count(*) FROM gone
