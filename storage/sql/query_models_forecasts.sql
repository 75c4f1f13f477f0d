-- What came true is the last good sample by the time foreseen, no older than a minute. Signals have units of their own,
-- so errors are compared signal by signal, and of their ratios the median is told.
WITH made AS (
    SELECT signal_id, made_at, horizon_s, time, value, lower, upper, model_digest
    FROM sparge.forecasts
    WHERE model_digest IN (%(first)s, %(second)s)
        AND (%(unit)s::text IS NULL OR site || '/' || unit = %(unit)s)
        AND made_at >= sparge.at_us(%(start_us)s) AND made_at < sparge.at_us(%(end_us)s)
),
judged AS (
    SELECT a.signal_id, a.horizon_s,
           abs(a.value - s.value) AS first_error,
           abs(b.value - s.value) AS second_error,
           s.value BETWEEN a.lower AND a.upper AS first_held,
           s.value BETWEEN b.lower AND b.upper AS second_held
    FROM made AS a
    JOIN made AS b USING (signal_id, made_at, horizon_s)
    CROSS JOIN LATERAL (
        SELECT x.value
        FROM sparge.samples AS x
        WHERE x.signal_id = a.signal_id AND x.time <= a.time AND x.time > a.time - interval '1 minute' AND x.good
        ORDER BY x.time DESC
        LIMIT 1
    ) AS s
    WHERE a.model_digest = %(first)s AND b.model_digest = %(second)s AND s.value IS NOT NULL
),
by_signal AS (
    SELECT horizon_s, count(*) AS judged, avg(second_error) / NULLIF(avg(first_error), 0) AS ratio,
           count(*) FILTER (WHERE first_held) AS first_held,
           count(*) FILTER (WHERE second_held) AS second_held
    FROM judged
    GROUP BY signal_id, horizon_s
)
SELECT horizon_s,
       sum(judged)::bigint AS judged,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio) AS error_ratio,
       (sum(first_held) / sum(judged))::double precision AS first_coverage,
       (sum(second_held) / sum(judged))::double precision AS second_coverage
FROM by_signal
GROUP BY horizon_s
ORDER BY horizon_s
