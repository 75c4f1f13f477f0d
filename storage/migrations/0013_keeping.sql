-- Scores and forecasts have rules of retention like samples.

ALTER TABLE sparge.retention_rule DROP CONSTRAINT retention_rule_level_check;
ALTER TABLE sparge.retention_rule ADD CONSTRAINT retention_rule_level_known
    CHECK (level IN ('raw', '1s', '1m', '1h', 'scores', 'forecasts'));
COMMENT ON COLUMN sparge.retention_rule.level IS
    'raw: samples; 1s, 1m, 1h: their sums; scores and forecasts: what models said, by class and member of the signal';
