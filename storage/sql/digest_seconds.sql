WITH bucket AS MATERIALIZED (
    SELECT b.signal_id, b.since, b.until
    FROM sparge.buckets_of(
        %(signal_ids)s::integer[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], '1 second'
    ) AS b
    JOIN sparge.signal_upkeep AS k USING (signal_id)
    WHERE k.by_second
)
INSERT INTO sparge.sample_1s AS s (signal_id, time, min, max, first, last, mean, known_s, count, bad_count)
SELECT f.*
FROM sparge.summarise(
    (SELECT array_agg(signal_id) FROM bucket),
    (SELECT array_agg(since) FROM bucket),
    (SELECT array_agg(until) FROM bucket),
    '1 second'
) AS f
ON CONFLICT (signal_id, time) DO UPDATE
SET (min, max, first, last, mean, known_s, count, bad_count)
    = (excluded.min, excluded.max, excluded.first, excluded.last,
       excluded.mean, excluded.known_s, excluded.count, excluded.bad_count)
