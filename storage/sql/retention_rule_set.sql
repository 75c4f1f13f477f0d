INSERT INTO sparge.retention_rule (level, signal_class, member, keep_days)
VALUES (%(level)s, %(signal_class)s, %(member)s, %(keep_days)s)
ON CONFLICT (level, signal_class, member) DO UPDATE SET keep_days = excluded.keep_days
WHERE retention_rule.keep_days <> excluded.keep_days
