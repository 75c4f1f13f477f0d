-- None once the day is done.
SELECT level, signal_class, member, keep_days
FROM sparge.retention_rule
WHERE EXISTS (SELECT FROM sparge.retention_run WHERE day < %(today)s)
