INSERT INTO sparge.loss (sink, log_id, partition, from_offset, to_offset, reason)
VALUES (%(sink)s, %(log_id)s, %(partition)s, %(from_offset)s, %(to_offset)s, %(reason)s)
