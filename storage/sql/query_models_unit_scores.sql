-- As query_models_scores.sql, by step of the unit.
WITH said AS (
    SELECT unit_id, time,
           bool_or(suspect) FILTER (WHERE model_digest = %(first)s) AS first_suspects,
           bool_or(suspect) FILTER (WHERE model_digest = %(second)s) AS second_suspects
    FROM sparge.unit_scores
    WHERE model_digest IN (%(first)s, %(second)s)
        AND (%(unit)s::text IS NULL OR site || '/' || unit = %(unit)s)
        AND time >= sparge.at_us(%(start_us)s) AND time < sparge.at_us(%(end_us)s)
    GROUP BY unit_id, time
)
SELECT count(*) AS judged,
       count(*) FILTER (WHERE first_suspects) AS first_suspects,
       count(*) FILTER (WHERE second_suspects) AS second_suspects,
       count(*) FILTER (WHERE first_suspects AND second_suspects) AS both_suspect
FROM said
WHERE first_suspects IS NOT NULL AND second_suspects IS NOT NULL
