-- What an alarm says of its instrument, and models that are out of service, found among all that was said of a unit.

ALTER TABLE sparge.alarm_transition ADD COLUMN device_state text;
ALTER TABLE sparge.alarm_transition ADD COLUMN value_status bigint;
COMMENT ON COLUMN sparge.alarm_transition.device_state IS
    'NAMUR NE 107: F failure, C check, S out of specification, M maintenance; NULL where it is about the process';
COMMENT ON COLUMN sparge.alarm_transition.value_status IS 'OPC UA status that the value gets by it; NULL likewise';

CREATE OR REPLACE VIEW sparge.alarm_history AS
SELECT st.name AS site,
       u.name AS unit,
       t.signal,
       t.condition,
       u.key || '/' || t.signal || '/' || t.condition AS alarm_id,
       t.event,
       t.state,
       t.event = 'raised' AS active,
       t.time,
       t.since,
       t.sample_time,
       t.value,
       t.limit_value,
       t.ucum,
       t.priority,
       t.alarm_class,
       t.message,
       t.cause,
       t.consequence,
       t.action,
       t.respond_within_s,
       l.topic AS source_topic,
       r.source_partition,
       r.source_offset,
       r.source_index,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       t.device_state,
       t.value_status
FROM sparge.alarm_transition AS t
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
JOIN sparge.result AS r ON r.result_id = t.result_id
JOIN sparge.source_log AS l USING (source_log_id)
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;

CREATE OR REPLACE VIEW sparge.alarms AS
SELECT DISTINCT ON (site, unit, signal, condition) *
FROM sparge.alarm_history
ORDER BY site, unit, signal, condition, time DESC, source_offset DESC, source_index DESC;

-- One row among millions: `sparge models list` asks for them each time.
CREATE INDEX unit_score_out_of_service ON sparge.unit_score (unit_id, time)
WHERE starts_with(reason, 'out of service');
