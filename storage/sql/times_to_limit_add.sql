INSERT INTO sparge.time_to_limit (
    result_id, made_at, signal_id, condition, limit_value, minutes, from_minutes, to_minutes, ucum, told
)
SELECT
    result_id, sparge.at_us(made_us), signal_id, condition, limit_value, minutes, from_minutes, to_minutes, ucum, told
FROM unnest(
    %(result_ids)s::bigint[], %(made_us)s::bigint[], %(signal_ids)s::integer[], %(conditions)s::text[],
    %(limits)s::float8[], %(minutes)s::float8[], %(from_minutes)s::float8[], %(to_minutes)s::float8[],
    %(ucums)s::text[], %(told)s::text[]
) AS ahead (
    result_id, made_us, signal_id, condition,
    limit_value, minutes, from_minutes, to_minutes,
    ucum, told
)
