SELECT DISTINCT p.sink, p.topic, l.cluster_id, l.topic_id
FROM sparge.position AS p
JOIN sparge.log AS l USING (log_id)
WHERE p.retired_at IS NULL
    AND (p.sink = %(sink)s OR %(sink)s::text IS NULL)
    AND p.topic = ANY(%(topics)s::text[])
    AND p.log_id <> ALL(%(log_ids)s::integer[])
ORDER BY p.sink, p.topic
