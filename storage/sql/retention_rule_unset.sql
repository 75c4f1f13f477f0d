DELETE FROM sparge.retention_rule
WHERE level = %(level)s
    AND signal_class IS NOT DISTINCT FROM %(signal_class)s
    AND member IS NOT DISTINCT FROM %(member)s
