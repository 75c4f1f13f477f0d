-- What the layers of models say beyond the score of a sample: of the unit as a whole, who contributed, and when a
-- limit will be reached. A result knows from which layer it is, and whether from the champion or a challenger.

ALTER TABLE sparge.result ADD COLUMN layer text;
ALTER TABLE sparge.result ADD COLUMN role text NOT NULL DEFAULT 'champion';
COMMENT ON COLUMN sparge.result.role IS 'champion: it may alarm; challenger: it runs in the shadow';

CREATE TABLE sparge.unit_score (
    time timestamptz NOT NULL,
    result_id bigint NOT NULL,
    score double precision NOT NULL,
    unit_id integer NOT NULL,
    suspect boolean NOT NULL,
    learned boolean NOT NULL,
    looks_like text,
    reason text,
    signals text[] NOT NULL,
    shares double precision[] NOT NULL
);
CREATE INDEX unit_score_unit_time ON sparge.unit_score (unit_id, time);
COMMENT ON TABLE sparge.unit_score IS 'scores of whole units, one row a step of the model';
COMMENT ON COLUMN sparge.unit_score.signals IS 'those that contributed most, the largest share first';

ALTER TABLE sparge.forecast ADD COLUMN reached double precision;
ALTER TABLE sparge.forecast ADD COLUMN silent boolean;
COMMENT ON COLUMN sparge.forecast.reached IS 'share of true values that the interval held so far at this horizon';
COMMENT ON COLUMN sparge.forecast.silent IS 'the model is no better than persistence, which answers for it';

CREATE TABLE sparge.time_to_limit (
    result_id bigint NOT NULL,
    made_at timestamptz NOT NULL,
    signal_id integer NOT NULL,
    condition text NOT NULL,
    limit_value double precision NOT NULL,
    minutes double precision NOT NULL,
    from_minutes double precision NOT NULL,
    to_minutes double precision,
    ucum text NOT NULL,
    told text NOT NULL
);
CREATE INDEX time_to_limit_signal_made ON sparge.time_to_limit (signal_id, made_at);
COMMENT ON COLUMN sparge.time_to_limit.to_minutes IS 'null where the far end of the interval does not reach it in time';

CREATE OR REPLACE VIEW sparge.scores AS
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
       s.signal_id,
       r.role
FROM sparge.score AS s
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.result AS r ON r.result_id = s.result_id
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;

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
       f.silent
FROM sparge.forecast AS f
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.result AS r ON r.result_id = f.result_id
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;

CREATE VIEW sparge.unit_scores AS
SELECT st.name AS site,
       u.name AS unit,
       s.time,
       r.layer,
       r.role,
       s.score,
       s.suspect,
       s.learned,
       s.looks_like,
       s.reason,
       s.signals,
       s.shares,
       m.name AS model,
       m.version AS model_version,
       m.digest AS model_digest,
       s.unit_id
FROM sparge.unit_score AS s
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
JOIN sparge.result AS r USING (result_id)
LEFT JOIN sparge.model AS m USING (model_id);

CREATE VIEW sparge.limits_ahead AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       t.made_at,
       t.condition,
       t.limit_value,
       t.ucum,
       t.minutes,
       t.from_minutes,
       t.to_minutes,
       t.told,
       m.name AS model,
       m.version AS model_version,
       t.signal_id
FROM sparge.time_to_limit AS t
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.result AS r USING (result_id)
LEFT JOIN sparge.model AS m ON m.model_id = r.model_id;
