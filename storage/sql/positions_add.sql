INSERT INTO sparge.position (sink, log_id, topic, partition)
SELECT %(sink)s, wanted.log_id, wanted.topic, p.partition
FROM unnest(%(topics)s::text[], %(log_ids)s::integer[], %(partitions)s::integer[]) AS wanted (topic, log_id, partitions)
CROSS JOIN LATERAL generate_series(0, wanted.partitions - 1) AS p (partition)
ORDER BY wanted.topic, p.partition
ON CONFLICT DO NOTHING
