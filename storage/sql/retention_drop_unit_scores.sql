WITH gone AS (
    DELETE FROM sparge.unit_score
    WHERE unit_id = %(unit_id)s::integer
        AND time >= to_timestamp(%(first_s)s) AND time < to_timestamp(%(end_s)s)
    RETURNING unit_id
)
SELECT count(*) FROM gone
