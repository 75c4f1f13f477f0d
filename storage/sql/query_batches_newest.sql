SELECT batch
FROM sparge.batches
WHERE started_at IS NOT NULL
ORDER BY started_at DESC
LIMIT 100
