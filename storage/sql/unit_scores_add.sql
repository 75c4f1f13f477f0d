INSERT INTO sparge.unit_score (
    time, result_id, score, unit_id, suspect, learned, looks_like, reason, signals, shares
)
SELECT
    sparge.at_us(time_us), result_id, score, unit_id, suspect, learned, looks_like, reason,
    ARRAY(SELECT jsonb_array_elements_text(contributions -> 'signals')),
    ARRAY(SELECT jsonb_array_elements_text(contributions -> 'shares')::float8)
FROM unnest(
    %(times_us)s::bigint[], %(result_ids)s::bigint[], %(scores)s::float8[], %(unit_ids)s::integer[],
    %(suspects)s::boolean[], %(learned)s::boolean[], %(looks_like)s::text[], %(reasons)s::text[],
    %(contributions)s::jsonb[]
) AS told (
    time_us, result_id, score, unit_id,
    suspect, learned, looks_like, reason,
    contributions
)
