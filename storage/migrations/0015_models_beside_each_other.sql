-- Forecasts of challengers beside those of champions, which model raised an alarm, and verdicts where it spoke.

CREATE OR REPLACE VIEW sparge.forecasts AS
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
       f.signal_id,
       f.reached,
       f.silent,
       r.role
FROM sparge.forecast AS f
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.result AS r ON r.result_id = f.result_id
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;

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
       m.digest AS model_digest
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

CREATE OR REPLACE VIEW sparge.verdicts AS
SELECT DISTINCT ON (e.alarm_id, e.raised_at)
       e.alarm_id,
       e.raised_at,
       e.verdict,
       e.who,
       e.why,
       e.time,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       b.body ->> 'layer' AS layer,
       b.body -> 'context' AS context
FROM sparge.model_event AS e
LEFT JOIN sparge.model AS m USING (model_id)
CROSS JOIN LATERAL (SELECT e.body::jsonb) AS b (body)
WHERE e.event = 'verdict'
ORDER BY e.alarm_id, e.raised_at, e.time DESC, e.event_id COLLATE "C" DESC;

-- Verdicts of a model count where it spoke: the same recipe may be champion in several contexts.
CREATE OR REPLACE VIEW sparge.models AS
SELECT s.layer,
       s.context,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       s.role,
       s.since,
       s.who,
       s.why,
       s.unit,
       s.organism,
       s.process,
       s.scale_from_l,
       s.scale_to_l,
       s.phase,
       b.body ->> 'river_version' AS river_version,
       b.body ->> 'numpy_version' AS numpy_version,
       b.body ->> 'author' AS author,
       b.body ->> 'citation' AS citation,
       e.time AS registered_at,
       e.who AS registered_by,
       s.metrics,
       coalesce(b.body -> 'trained_on', '[]') AS trained_on,
       v.true_alarms,
       v.nuisance_alarms,
       v.known_work_alarms,
       b.body ->> 'recipe' AS recipe,
       v.true_alarms / NULLIF(v.true_alarms + v.nuisance_alarms, 0)::double precision AS alarm_precision
FROM sparge.model_standing AS s
JOIN sparge.model AS m USING (model_id)
JOIN sparge.model_event AS e ON e.event_id = s.registered_id
CROSS JOIN LATERAL (SELECT e.body::jsonb) AS b (body)
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE w.verdict = 'true') AS true_alarms,
           count(*) FILTER (WHERE w.verdict = 'nuisance') AS nuisance_alarms,
           count(*) FILTER (WHERE w.verdict = 'known_work') AS known_work_alarms
    FROM sparge.verdicts AS w
    WHERE w.model_digest = m.digest
        AND (w.context IS NULL OR (w.layer = s.layer AND w.context = b.body -> 'context'))
) AS v ON TRUE;
