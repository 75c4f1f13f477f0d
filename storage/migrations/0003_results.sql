-- What watch concluded. Each message is known by its source, so that one sent twice adds nothing.

CREATE TABLE sparge.source_log (
    source_log_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic_id text NOT NULL,
    topic text NOT NULL,
    UNIQUE (topic_id, topic)
);
COMMENT ON TABLE sparge.source_log IS 'logs whose messages caused results';

CREATE TABLE sparge.model (
    model_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    digest text NOT NULL,
    UNIQUE (name, version, digest)
);

CREATE TABLE sparge.result (
    result_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_offset bigint NOT NULL,
    source_index bigint NOT NULL,
    source_log_id integer NOT NULL REFERENCES sparge.source_log,
    source_partition integer NOT NULL,
    unit_id integer NOT NULL REFERENCES sparge.unit,
    model_id integer REFERENCES sparge.model,
    UNIQUE (source_log_id, source_partition, source_offset, source_index)
);

CREATE TABLE sparge.score (
    time timestamptz NOT NULL,
    result_id bigint NOT NULL,
    value double precision NOT NULL,
    expected double precision NOT NULL,
    score double precision NOT NULL,
    signal_id integer NOT NULL,
    suspect boolean NOT NULL,
    learned boolean NOT NULL
);
CREATE INDEX score_signal_time ON sparge.score (signal_id, time);
COMMENT ON COLUMN sparge.score.score IS '-log10 of the tail probability of the residual';

CREATE TABLE sparge.forecast (
    made_at timestamptz NOT NULL,
    result_id bigint NOT NULL,
    horizon_s double precision NOT NULL,
    value double precision NOT NULL,
    lower double precision NOT NULL,
    upper double precision NOT NULL,
    coverage double precision NOT NULL,
    signal_id integer NOT NULL,
    fallback boolean NOT NULL,
    ucum text NOT NULL
);
CREATE INDEX forecast_signal_made ON sparge.forecast (signal_id, made_at);

CREATE TABLE sparge.alarm_transition (
    result_id bigint PRIMARY KEY REFERENCES sparge.result,
    unit_id integer NOT NULL REFERENCES sparge.unit,
    signal text NOT NULL,
    condition text NOT NULL,
    event text NOT NULL,
    state text NOT NULL,
    time timestamptz NOT NULL,
    sample_time timestamptz,
    since timestamptz NOT NULL,
    value double precision,
    limit_value double precision,
    ucum text NOT NULL,
    priority text NOT NULL,
    alarm_class text NOT NULL,
    message text NOT NULL,
    cause text NOT NULL,
    consequence text NOT NULL,
    action text NOT NULL,
    respond_within_s double precision NOT NULL
);
CREATE INDEX alarm_transition_alarm ON sparge.alarm_transition (unit_id, signal, condition, time);
CREATE INDEX alarm_transition_time ON sparge.alarm_transition (time);
