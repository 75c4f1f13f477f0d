-- What people query. Missing is NULL here, a status code is the number that was sent, times are UTC.
-- Lineage hangs on left joins of unique keys, which a query that does not ask for it does not pay for.

CREATE VIEW sparge.units AS
SELECT st.name AS site,
       u.name AS unit,
       u.key,
       (SELECT min(f.recorded_at) FROM sparge.frame AS f WHERE f.unit_id = u.unit_id) AS first_seen,
       (SELECT max(f.recorded_at) FROM sparge.frame AS f WHERE f.unit_id = u.unit_id) AS last_recorded,
       (SELECT coalesce(sum(f.repeats), 0) FROM sparge.frame AS f WHERE f.unit_id = u.unit_id AND f.repeats > 0)
           AS repeated_frames,
       (SELECT count(*) FROM sparge.signal AS s WHERE s.unit_id = u.unit_id) AS signals
FROM sparge.unit AS u
JOIN sparge.site AS st USING (site_id);

CREATE VIEW sparge.signals AS
SELECT st.name AS site,
       u.name AS unit,
       s.name AS signal,
       s.ucum,
       s.declared,
       (SELECT min(x.time) FROM sparge.sample AS x WHERE x.signal_id = s.signal_id) AS first_time,
       (SELECT max(x.time) FROM sparge.sample AS x WHERE x.signal_id = s.signal_id) AS last_time,
       s.signal_id
FROM sparge.signal AS s
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id);

CREATE VIEW sparge.samples AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       s.time,
       NULLIF(s.value, 'NaN') AS value,
       g.ucum,
       s.status::bigint & 4294967295 AS status,
       (s.status & -1073741824) = 0 AS good,
       f.recorded_at,
       f.edge_at,
       f.device,
       f.epoch,
       f.sequence,
       l.topic,
       f.log_partition,
       f.log_offset,
       s.signal_id
FROM sparge.sample AS s
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.frame AS f ON f.frame_id = s.frame_id
LEFT JOIN sparge.log AS l ON l.log_id = f.log_id;

CREATE VIEW sparge.sample_versions AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       v.time,
       NULLIF(v.value, 'NaN') AS value,
       g.ucum,
       v.status::bigint & 4294967295 AS status,
       (v.status & -1073741824) = 0 AS good,
       v.recorded_at,
       v.replaced_at,
       v.device,
       v.epoch,
       v.sequence
FROM (
    SELECT k.signal_id, k.time, k.value, k.status, f.recorded_at, f.device, f.epoch, f.sequence,
           lead(f.recorded_at) OVER (
               PARTITION BY k.signal_id, k.time
               ORDER BY f.recorded_at, l.topic COLLATE "C", f.log_partition, f.log_offset
           ) AS replaced_at
    FROM (
        SELECT signal_id, time, value, status, frame_id FROM sparge.sample
        UNION ALL
        SELECT signal_id, time, value, status, frame_id FROM sparge.sample_superseded
    ) AS k
    JOIN sparge.frame AS f USING (frame_id)
    JOIN sparge.log AS l USING (log_id)
) AS v
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id);
COMMENT ON VIEW sparge.sample_versions IS
    'all versions; known at T: recorded_at <= T AND (replaced_at IS NULL OR replaced_at > T)';

CREATE VIEW sparge.scores AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       s.time,
       s.value,
       s.expected,
       g.ucum,
       s.score,
       s.suspect,
       s.learned,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       s.signal_id
FROM sparge.score AS s
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.result AS r ON r.result_id = s.result_id
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;

CREATE VIEW sparge.forecasts AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       f.made_at,
       f.horizon_s,
       f.made_at + f.horizon_s * interval '1 second' AS time,
       f.value,
       f.lower,
       f.upper,
       f.ucum,
       f.coverage,
       f.fallback,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       f.signal_id
FROM sparge.forecast AS f
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.result AS r ON r.result_id = f.result_id
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;

CREATE VIEW sparge.alarm_history AS
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
       r.source_index
FROM sparge.alarm_transition AS t
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
JOIN sparge.result AS r ON r.result_id = t.result_id
JOIN sparge.source_log AS l USING (source_log_id);

CREATE VIEW sparge.alarms AS
SELECT DISTINCT ON (site, unit, signal, condition) *
FROM sparge.alarm_history
ORDER BY site, unit, signal, condition, time DESC, source_offset DESC, source_index DESC;
COMMENT ON VIEW sparge.alarms IS 'one row an alarm: what it says now';

CREATE VIEW sparge.progress AS
SELECT p.sink, p.topic, p.partition, p.next_offset, p.moved_at, p.passed_offsets, p.last_hole,
       l.cluster_id, l.topic_id
FROM sparge.position AS p
JOIN sparge.log AS l USING (log_id)
WHERE p.retired_at IS NULL;
COMMENT ON VIEW sparge.progress IS 'how far each sink has stored each partition';

CREATE VIEW sparge.losses AS
SELECT s.sink, l.topic, s.partition, s.from_offset, s.to_offset, s.noticed_at, s.reason
FROM sparge.loss AS s
JOIN sparge.log AS l USING (log_id);
