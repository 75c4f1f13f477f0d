SELECT sink, topic, partition, from_offset, to_offset, noticed_at, reason FROM sparge.losses ORDER BY noticed_at
