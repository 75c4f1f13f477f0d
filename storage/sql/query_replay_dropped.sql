-- Spans whose samples retention has dropped, and with them what models said of them.
SELECT g.name, (extract(epoch FROM lower(gone.span)) * 1000000)::bigint, (extract(epoch FROM upper(gone.span)) * 1000000)::bigint
FROM sparge.signal_upkeep AS k
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u USING (unit_id)
CROSS JOIN LATERAL (
    SELECT unnest(k.raw_dropped * tstzmultirange(tstzrange(sparge.at_us(%(start_us)s), sparge.at_us(%(end_us)s)))) AS span
) AS gone
WHERE u.key = %(unit)s
ORDER BY lower(gone.span), g.name
