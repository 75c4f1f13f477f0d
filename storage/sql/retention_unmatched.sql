-- A member is known once a batch of it was told of, a class once a signal of it was digested.
SELECT r.level, r.signal_class, r.member, r.keep_days
FROM sparge.retention_rule AS r
WHERE NOT EXISTS (SELECT FROM sparge.member AS m WHERE r.member IS NULL OR m.name = r.member)
    OR NOT EXISTS (SELECT FROM sparge.signal_upkeep AS k WHERE r.signal_class IS NULL OR k.signal_class = r.signal_class)
ORDER BY r.rule_id
