SELECT (extract(epoch FROM started_at) * 1000000)::bigint, phase
FROM sparge.phases
WHERE batch_id = %(batch_id)s
ORDER BY started_at
