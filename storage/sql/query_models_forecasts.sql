-- What came true is the last good sample by the time foreseen, and persistence the last one when it was foreseen, neither
-- older than a minute. Signals have units of their own, so errors and interval scores (Gneiting and Raftery 2007) are
-- told in persistence's mean absolute errors, signal by signal, and of these the median. Where nothing moved there is none.
WITH said AS (
    SELECT signal_id, made_at, horizon_s, time, value, lower, upper, 2 / NULLIF(1 - coverage, 0) AS penalty,
           coalesce(silent, FALSE) AS silent, model_digest,
           bool_or(model_digest = %(first)s) OVER same AND bool_or(model_digest = %(second)s) OVER same AS by_both
    FROM sparge.forecasts
    WHERE model_digest IN (%(first)s, %(second)s)
        AND (%(unit)s::text IS NULL OR site || '/' || unit = %(unit)s)
        AND made_at >= sparge.at_us(%(start_us)s) AND made_at < sparge.at_us(%(end_us)s)
    WINDOW same AS (PARTITION BY signal_id, made_at, horizon_s)
),
came AS (
    SELECT a.*, s.value AS came, n.value AS naive
    FROM said AS a
    CROSS JOIN LATERAL (
        SELECT x.value
        FROM sparge.samples AS x
        WHERE x.signal_id = a.signal_id AND x.time <= a.time AND x.time > a.time - interval '1 minute' AND x.good
        ORDER BY x.time DESC
        LIMIT 1
    ) AS s
    CROSS JOIN LATERAL (
        SELECT x.value
        FROM sparge.samples AS x
        WHERE x.signal_id = a.signal_id AND x.time <= a.made_at AND x.time > a.made_at - interval '1 minute' AND x.good
        ORDER BY x.time DESC
        LIMIT 1
    ) AS n
    WHERE a.by_both AND s.value IS NOT NULL AND n.value IS NOT NULL
),
by_signal AS (
    SELECT model_digest, signal_id, horizon_s, count(*) AS judged,
           avg(abs(value - came)) / NULLIF(avg(abs(naive - came)), 0) AS error_ratio,
           avg(upper - lower + penalty * (greatest(lower - came, 0) + greatest(came - upper, 0)))
               / NULLIF(avg(abs(naive - came)), 0) AS interval_ratio,
           count(*) FILTER (WHERE came BETWEEN lower AND upper) AS held,
           count(*) FILTER (WHERE silent) AS silent
    FROM came
    GROUP BY model_digest, signal_id, horizon_s
)
SELECT model_digest,
       horizon_s,
       sum(judged)::bigint AS judged,
       count(*) AS signals,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY error_ratio) AS error_ratio,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY interval_ratio) AS interval_ratio,
       (sum(held) / sum(judged))::double precision AS coverage,
       (sum(silent) / sum(judged))::double precision AS silent_share
FROM by_signal
GROUP BY model_digest, horizon_s
ORDER BY horizon_s, model_digest
