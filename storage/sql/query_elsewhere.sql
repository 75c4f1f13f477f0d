-- Where these signals have data when a span has none: samples and hours at any time, sums within the span.
SELECT (extract(epoch FROM least(g.first, h.first)) * 1000000)::bigint,
       (extract(epoch FROM greatest(g.last, h.last)) * 1000000)::bigint,
       EXISTS (
           SELECT FROM sparge.samples_1h
           WHERE signal_id = ANY(%(signal_ids)s::integer[])
               AND time > sparge.at_us(%(start_us)s) - interval '1 hour' AND time < sparge.at_us(%(end_us)s)
       ),
       EXISTS (
           SELECT FROM sparge.samples_1m
           WHERE signal_id = ANY(%(signal_ids)s::integer[])
               AND time > sparge.at_us(%(start_us)s) - interval '1 minute' AND time < sparge.at_us(%(end_us)s)
       )
FROM (
    SELECT min(first_time) AS first, max(last_time) AS last
    FROM sparge.signals WHERE signal_id = ANY(%(signal_ids)s::integer[])
) AS g
CROSS JOIN (
    SELECT min(time) AS first, max(time) AS last
    FROM sparge.samples_1h WHERE signal_id = ANY(%(signal_ids)s::integer[])
) AS h
