SELECT site, unit, (extract(epoch FROM max(last_time)) * 1000000)::bigint
FROM sparge.signals
GROUP BY site, unit
HAVING max(last_time) IS NOT NULL
