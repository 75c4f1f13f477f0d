SELECT source_log_id FROM sparge.source_log WHERE topic_id = %(topic_id)s AND topic = %(topic)s
