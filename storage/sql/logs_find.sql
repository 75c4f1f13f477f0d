SELECT topic, topic_id, log_id
FROM sparge.log
WHERE cluster_id = %(cluster_id)s AND (topic, topic_id) IN (SELECT * FROM unnest(%(topics)s::text[], %(topic_ids)s::text[]))
