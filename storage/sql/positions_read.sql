SELECT p.topic, p.partition, p.log_id, p.next_offset
FROM sparge.position AS p
JOIN unnest(%(topics)s::text[], %(partitions)s::integer[]) AS wanted (topic, partition)
    ON wanted.topic = p.topic AND wanted.partition = p.partition
WHERE p.sink = %(sink)s AND p.retired_at IS NULL
