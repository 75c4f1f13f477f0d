-- What was said of models, and what follows from it: champions and challengers by context, verdicts on alarms.

CREATE TABLE sparge.model_event (
    event_id text PRIMARY KEY,
    log_id integer NOT NULL REFERENCES sparge.log,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    time timestamptz NOT NULL,
    event text NOT NULL,
    who text NOT NULL,
    why text NOT NULL,
    model_id integer REFERENCES sparge.model,
    alarm_id text,
    raised_at timestamptz,
    verdict text,
    void text NOT NULL DEFAULT '',
    body text NOT NULL
);
CREATE INDEX model_event_time ON sparge.model_event (time);
CREATE INDEX model_event_alarm ON sparge.model_event (alarm_id, raised_at) WHERE alarm_id IS NOT NULL;
COMMENT ON TABLE sparge.model_event IS 'what was said of models; model_standing follows from it';
COMMENT ON COLUMN sparge.model_event.void IS 'why it had no effect; empty where it had one';
COMMENT ON COLUMN sparge.model_event.body IS 'the whole message, JSON';

CREATE TABLE sparge.model_standing (
    registered_id text PRIMARY KEY REFERENCES sparge.model_event,
    layer text NOT NULL,
    context text NOT NULL,
    unit text,
    organism text,
    process text,
    scale_from_l double precision,
    scale_to_l double precision,
    phase text,
    model_id integer NOT NULL REFERENCES sparge.model,
    role text NOT NULL,
    since timestamptz NOT NULL,
    who text NOT NULL,
    why text NOT NULL,
    metrics jsonb NOT NULL
);
COMMENT ON TABLE sparge.model_standing IS 'what each model is in each layer and context it was registered for';

CREATE VIEW sparge.verdicts AS
SELECT DISTINCT ON (e.alarm_id, e.raised_at)
       e.alarm_id,
       e.raised_at,
       e.verdict,
       e.who,
       e.why,
       e.time,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest
FROM sparge.model_event AS e
LEFT JOIN sparge.model AS m USING (model_id)
WHERE e.event = 'verdict'
ORDER BY e.alarm_id, e.raised_at, e.time DESC, e.event_id COLLATE "C" DESC;
COMMENT ON VIEW sparge.verdicts IS 'what people say of alarms; of one alarm the latest word. No model: an alarm of a limit';

CREATE VIEW sparge.models AS
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
       b.body ->> 'recipe' AS recipe
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
) AS v ON TRUE;
COMMENT ON VIEW sparge.models IS 'champions, challengers, former and retired models by layer and context, with their recipes';

CREATE VIEW sparge.model_events AS
SELECT e.time,
       e.event,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       b.body ->> 'layer' AS layer,
       b.body -> 'context' AS context,
       e.who,
       e.why,
       b.body -> 'metrics' AS metrics,
       e.alarm_id,
       e.raised_at,
       e.verdict,
       e.void,
       e.recorded_at,
       e.event_id
FROM sparge.model_event AS e
LEFT JOIN sparge.model AS m USING (model_id)
CROSS JOIN LATERAL (SELECT e.body::jsonb) AS b (body);
COMMENT ON VIEW sparge.model_events IS 'everything that was said of models, by whom and why; void: why it had no effect';
