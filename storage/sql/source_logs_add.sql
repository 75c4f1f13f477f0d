INSERT INTO sparge.source_log (topic_id, topic)
SELECT %(topic_id)s, %(topic)s
WHERE NOT EXISTS (SELECT FROM sparge.source_log WHERE topic_id = %(topic_id)s AND topic = %(topic)s)
ON CONFLICT DO NOTHING
