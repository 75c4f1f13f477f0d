SELECT sink, topic, partition, next_offset, moved_at, passed_offsets FROM sparge.progress ORDER BY sink, topic, partition
