INSERT INTO sparge.forecast (
    result_id, made_at, signal_id, horizon_s, value, lower, upper, coverage, fallback, ucum, reached, silent
)
SELECT
    result_id, sparge.at_us(made_us), signal_id, horizon_s, value, lower, upper, coverage, fallback, ucum, reached, silent
FROM unnest(
    %(result_ids)s::bigint[], %(made_us)s::bigint[], %(signal_ids)s::integer[], %(horizons)s::float8[],
    %(values)s::float8[], %(lowers)s::float8[], %(uppers)s::float8[], %(coverages)s::float8[],
    %(fallbacks)s::boolean[], %(ucums)s::text[], %(reached)s::float8[], %(silent)s::boolean[]
) AS made (
    result_id, made_us, signal_id, horizon_s,
    value, lower, upper, coverage,
    fallback, ucum, reached, silent
)
