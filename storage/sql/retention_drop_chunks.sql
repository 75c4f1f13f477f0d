SELECT count(*) FROM drop_chunks(%(table)s::regclass, older_than => to_timestamp(%(end_s)s))
