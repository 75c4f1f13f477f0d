-- Both models are read once and their words put together by sample: a join of the two is guessed at one row each, as
-- nothing is known of models before the join to `result`, and then takes hours.
WITH said AS (
    SELECT signal_id, time,
           bool_or(suspect) FILTER (WHERE model_digest = %(first)s) AS first_suspects,
           bool_or(suspect) FILTER (WHERE model_digest = %(second)s) AS second_suspects
    FROM sparge.scores
    WHERE model_digest IN (%(first)s, %(second)s)
        AND (%(unit)s::text IS NULL OR site || '/' || unit = %(unit)s)
        AND time >= sparge.at_us(%(start_us)s) AND time < sparge.at_us(%(end_us)s)
    GROUP BY signal_id, time
)
SELECT count(*) AS judged,
       count(*) FILTER (WHERE first_suspects) AS first_suspects,
       count(*) FILTER (WHERE second_suspects) AS second_suspects,
       count(*) FILTER (WHERE first_suspects AND second_suspects) AS both_suspect
FROM said
WHERE first_suspects IS NOT NULL AND second_suspects IS NOT NULL
