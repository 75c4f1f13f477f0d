-- A rule for a class that is not in the dictionary would never apply. Rules of before stay as they are.
ALTER TABLE sparge.retention_rule ADD CONSTRAINT retention_rule_signal_class_known
    CHECK (signal_class IN ('process', 'gas', 'liquid', 'equipment', 'setpoint', 'derived', 'offline')) NOT VALID;
