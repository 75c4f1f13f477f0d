INSERT INTO sparge.log (cluster_id, topic_id, topic)
SELECT %(cluster_id)s, topic_id, topic
FROM unnest(%(topics)s::text[], %(topic_ids)s::text[]) AS wanted (topic, topic_id)
ORDER BY topic
ON CONFLICT DO NOTHING
