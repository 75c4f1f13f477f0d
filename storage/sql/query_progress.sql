SELECT sink, topic, partition, next_offset, moved_at, passed_offsets, cluster_id, topic_id
FROM sparge.progress
ORDER BY sink, topic, partition
