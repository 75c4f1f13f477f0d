UPDATE sparge.retention_run SET day = %(today)s
