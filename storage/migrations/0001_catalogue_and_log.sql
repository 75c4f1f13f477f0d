-- Who measures what, and how far each sink has read which log.

-- Microseconds since 1970 UTC, as every message carries times, as a timestamp.
CREATE FUNCTION sparge.at_us(us bigint) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN timestamptz 'epoch' + us * interval '1 microsecond';

CREATE TABLE sparge.site (
    site_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE sparge.unit (
    unit_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id integer NOT NULL REFERENCES sparge.site,
    name text NOT NULL,
    key text NOT NULL UNIQUE,
    UNIQUE (site_id, name)
);
COMMENT ON COLUMN sparge.unit.key IS 'site/unit: the key of its messages';

CREATE TABLE sparge.signal (
    signal_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id integer NOT NULL REFERENCES sparge.unit,
    name text NOT NULL,
    ucum text,
    declared boolean NOT NULL,
    UNIQUE (unit_id, name)
);
COMMENT ON COLUMN sparge.signal.ucum IS
    'unit of every stored value; NULL while only results are known of a signal outside the dictionary';
COMMENT ON COLUMN sparge.signal.declared IS 'whether it is in the dictionary of signals';

CREATE TABLE sparge.log (
    log_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id text NOT NULL,
    topic_id text NOT NULL,
    topic text NOT NULL,
    UNIQUE (cluster_id, topic_id, topic)
);
COMMENT ON TABLE sparge.log IS 'a topic as it was created once: recreated, or in another cluster, it is another log';

CREATE TABLE sparge.position (
    sink text NOT NULL,
    log_id integer NOT NULL REFERENCES sparge.log,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0 CHECK (next_offset >= 0),
    moved_at timestamptz NOT NULL DEFAULT now(),
    passed_offsets bigint NOT NULL DEFAULT 0,
    last_hole int8range,
    retired_at timestamptz,
    PRIMARY KEY (sink, log_id, partition)
);
COMMENT ON COLUMN sparge.position.passed_offsets IS
    'offsets that the log did not hold: transaction markers, aborted or compacted records';
COMMENT ON COLUMN sparge.position.retired_at IS 'when an operator adopted another log for the topic';
CREATE UNIQUE INDEX position_in_use ON sparge.position (sink, topic, partition) WHERE retired_at IS NULL;

CREATE TABLE sparge.loss (
    loss_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink text NOT NULL,
    log_id integer NOT NULL REFERENCES sparge.log,
    partition integer NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL CHECK (to_offset > from_offset),
    noticed_at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL
);
COMMENT ON TABLE sparge.loss IS 'offsets from_offset <= offset < to_offset that were gone before they were read';

CREATE TABLE sparge.audit (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL DEFAULT session_user,
    what text NOT NULL,
    detail jsonb NOT NULL
);
