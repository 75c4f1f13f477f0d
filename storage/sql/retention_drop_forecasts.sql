WITH gone AS (
    DELETE FROM sparge.forecast
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND made_at >= to_timestamp(%(first_s)s) AND made_at < to_timestamp(%(end_s)s)
    RETURNING signal_id
),
ahead AS (
    DELETE FROM sparge.time_to_limit
    WHERE signal_id = ANY(%(signal_ids)s::integer[])
        AND made_at >= to_timestamp(%(first_s)s) AND made_at < to_timestamp(%(end_s)s)
    RETURNING signal_id
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM ahead)
