-- Which frames came of each device, what was known of a sample when, and which batch a sample belongs to.

-- How late a sample may come without being flagged, and how long a missing frame is waited for.
CREATE TABLE sparge.horizon (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    late_after interval NOT NULL CHECK (late_after > interval '0')
);
CREATE FUNCTION sparge.late_after() RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce((SELECT late_after FROM sparge.horizon), interval '24 hours');

ALTER TABLE sparge.frame ADD COLUMN late_before timestamptz;
COMMENT ON COLUMN sparge.frame.late_before IS
    'samples before it were past the horizon when the frame was recorded; NULL where none was';
CREATE INDEX frame_late ON sparge.frame (unit_id, recorded_at) WHERE late_before IS NOT NULL;

-- An epoch is cut into blocks of 65536 sequence numbers, so that a row stays small however many frames a device loses.
CREATE TABLE sparge.receipt (
    unit_id integer NOT NULL REFERENCES sparge.unit,
    device text NOT NULL,
    epoch bigint NOT NULL,
    block bigint NOT NULL,
    received int8multirange NOT NULL,
    last_recorded_at timestamptz NOT NULL,
    PRIMARY KEY (unit_id, device, epoch, block)
) WITH (fillfactor = 50);
COMMENT ON COLUMN sparge.receipt.received IS 'sequence numbers of the block that are in sparge.frame';

INSERT INTO sparge.receipt (unit_id, device, epoch, block, received, last_recorded_at)
SELECT unit_id, device, epoch, sequence >> 16, range_agg(int8range(sequence, sequence, '[]')), max(recorded_at)
FROM sparge.frame
WHERE sequence < 9223372036854775807 -- a range ends above its last number
GROUP BY unit_id, device, epoch, sequence >> 16;

ALTER TABLE sparge.sample_superseded ADD COLUMN replaced_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE sparge.sample_superseded ALTER COLUMN replaced_at DROP DEFAULT;
COMMENT ON COLUMN sparge.sample_superseded.replaced_at IS
    'recorded time of the different version that followed; -infinity: a repeat of a version that stands in another row';
COMMENT ON TABLE sparge.sample_superseded IS 'what is known no longer, and repeats that a different version may part';
WITH version AS (
    SELECT c.signal_id, c.time, c.value, c.status, c.frame_id
    FROM (SELECT DISTINCT signal_id, time FROM sparge.sample_superseded) AS k
    JOIN sparge.sample AS c USING (signal_id, time)
    UNION ALL
    SELECT signal_id, time, value, status, frame_id FROM sparge.sample_superseded
),
ranked AS (
    SELECT v.signal_id, v.time, v.frame_id, f.recorded_at, row_number() OVER w AS place,
           (lag(v.value) OVER w, lag(v.status) OVER w) IS DISTINCT FROM (v.value, v.status) AS begins
    FROM version AS v
    JOIN sparge.frame AS f USING (frame_id)
    JOIN sparge.log AS l USING (log_id)
    WINDOW w AS (
        PARTITION BY v.signal_id, v.time
        ORDER BY f.recorded_at, l.topic COLLATE "C", f.log_partition, f.log_offset, v.frame_id
    )
),
run AS (
    SELECT signal_id, time, frame_id,
           lead(recorded_at) OVER (PARTITION BY signal_id, time ORDER BY place) AS replaced_at
    FROM ranked
    WHERE begins
)
UPDATE sparge.sample_superseded AS o
SET replaced_at = run.replaced_at
FROM run
WHERE run.replaced_at IS NOT NULL
    AND o.signal_id = run.signal_id AND o.time = run.time AND o.frame_id = run.frame_id;

CREATE TABLE sparge.member (
    member_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE sparge.member IS 'institutions that own the data of batches';

ALTER TABLE sparge.unit ADD COLUMN area text;
COMMENT ON COLUMN sparge.unit.area IS 'area of the site (ISA-95), as the plant file says';

CREATE TABLE sparge.vessel (
    unit_id integer PRIMARY KEY REFERENCES sparge.unit,
    total_l double precision NOT NULL,
    working_l double precision NOT NULL,
    diameter_m double precision NOT NULL,
    impeller text,
    impellers integer,
    impeller_diameter_m double precision,
    power_number double precision,
    baffles integer
);
COMMENT ON TABLE sparge.vessel IS 'geometry of a unit, as the plant file says';

CREATE TABLE sparge.batch (
    batch_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id integer NOT NULL REFERENCES sparge.member,
    unit_id integer NOT NULL REFERENCES sparge.unit,
    name text NOT NULL,
    organism text,
    process text,
    scale_l double precision,
    operator text,
    started_at timestamptz,
    ended_at timestamptz,
    until timestamptz,
    UNIQUE (member_id, unit_id, name)
);
CREATE INDEX batch_unit ON sparge.batch (unit_id, started_at);
COMMENT ON COLUMN sparge.batch.started_at IS 'as its start says; the time of its first event while no start is known';
COMMENT ON COLUMN sparge.batch.until IS
    'end of the span whose samples are its own: its end, or the start of the next batch in the unit, or infinity';

CREATE TABLE sparge.batch_event (
    log_id integer NOT NULL REFERENCES sparge.log,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    time timestamptz NOT NULL,
    batch_id integer NOT NULL REFERENCES sparge.batch,
    event text NOT NULL,
    phase text,
    organism text,
    process text,
    scale_l double precision,
    operator text,
    PRIMARY KEY (log_id, log_partition, log_offset)
);
CREATE INDEX batch_event_batch ON sparge.batch_event (batch_id);
COMMENT ON TABLE sparge.batch_event IS 'what was said of batches; batch, phase and offline_sample follow from it';

CREATE TABLE sparge.phase (
    batch_id integer NOT NULL REFERENCES sparge.batch,
    number integer NOT NULL,
    name text,
    started_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (batch_id, number)
);
COMMENT ON TABLE sparge.phase IS 'a batch from its start to its end without a gap; name NULL before the first phase';

CREATE TABLE sparge.offline_sample (
    batch_id integer NOT NULL REFERENCES sparge.batch,
    time timestamptz NOT NULL,
    assay text NOT NULL,
    value double precision NOT NULL,
    ucum text NOT NULL,
    log_id integer NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    PRIMARY KEY (batch_id, time, assay),
    FOREIGN KEY (log_id, log_partition, log_offset) REFERENCES sparge.batch_event
);
COMMENT ON TABLE sparge.offline_sample IS 'results of the laboratory; of a time and assay the one recorded last';
COMMENT ON COLUMN sparge.offline_sample.ucum IS 'canonical where the assay is in the dictionary, else as it was sent';

CREATE OR REPLACE VIEW sparge.samples AS
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
       s.signal_id,
       coalesce(s.time < f.late_before, FALSE) AS late
FROM sparge.sample AS s
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.frame AS f ON f.frame_id = s.frame_id
LEFT JOIN sparge.log AS l ON l.log_id = f.log_id;
COMMENT ON VIEW sparge.samples IS 'what is known now; late: past the horizon when it was recorded';

CREATE VIEW sparge.sample_run AS
SELECT signal_id, time, value, status, frame_id, timestamptz 'infinity' AS replaced_at FROM sparge.sample
UNION ALL
SELECT signal_id, time, value, status, frame_id, replaced_at FROM sparge.sample_superseded;
COMMENT ON VIEW sparge.sample_run IS
    'for the views: what was said of a sample and until when it held; without a condition, or none from outside reaches'
    ' the indexes';

CREATE OR REPLACE VIEW sparge.sample_versions AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       v.time,
       NULLIF(v.value, 'NaN') AS value,
       g.ucum,
       v.status::bigint & 4294967295 AS status,
       (v.status & -1073741824) = 0 AS good,
       f.recorded_at,
       NULLIF(v.replaced_at, 'infinity') AS replaced_at,
       f.device,
       f.epoch,
       f.sequence
FROM sparge.sample_run AS v
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u ON u.unit_id = g.unit_id
JOIN sparge.site AS st USING (site_id)
JOIN sparge.frame AS f USING (frame_id)
WHERE v.replaced_at > '-infinity';

-- One SELECT and nothing around it, so that a query sees through it: its conditions reach the indexes.
CREATE FUNCTION sparge.samples_as_known_at(known_at timestamptz)
RETURNS TABLE (
    site text, unit text, signal text, "time" timestamptz, value double precision, ucum text, status bigint, good boolean,
    recorded_at timestamptz, edge_at timestamptz, device text, epoch bigint, sequence bigint, topic text,
    log_partition integer, log_offset bigint, signal_id integer, late boolean
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT st.name, u.name, g.name, v.time, NULLIF(v.value, 'NaN'), g.ucum,
           v.status::bigint & 4294967295, (v.status & -1073741824) = 0,
           f.recorded_at, f.edge_at, f.device, f.epoch, f.sequence, l.topic, f.log_partition, f.log_offset,
           v.signal_id, coalesce(v.time < f.late_before, FALSE)
    FROM sparge.sample_run AS v
    JOIN sparge.signal AS g USING (signal_id)
    JOIN sparge.unit AS u ON u.unit_id = g.unit_id
    JOIN sparge.site AS st USING (site_id)
    JOIN sparge.frame AS f USING (frame_id)
    JOIN sparge.log AS l USING (log_id)
    WHERE f.recorded_at <= known_at AND v.replaced_at > known_at;
END;
COMMENT ON FUNCTION sparge.samples_as_known_at IS
    'what `samples` would have shown when everything recorded up to a moment, and nothing later, was stored';

CREATE VIEW sparge.missing_frames AS
SELECT st.name AS site,
       u.name AS unit,
       r.device,
       r.epoch,
       lower(m.missing) AS first_sequence,
       upper(m.missing) - 1 AS last_sequence,
       upper(m.missing) - lower(m.missing) AS frames,
       f.recorded_at AS noticed_at,
       coalesce(f.recorded_at < now() - sparge.late_after(), TRUE) AS given_up,
       r.last_recorded_at
FROM sparge.receipt AS r
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
CROSS JOIN LATERAL (
    SELECT coalesce(
        (
            SELECT upper(b.received)
            FROM sparge.receipt AS b
            WHERE b.unit_id = r.unit_id AND b.device = r.device AND b.epoch = r.epoch AND b.block < r.block
            ORDER BY b.block DESC
            LIMIT 1
        ),
        -- A device that counts on across its epochs starts somewhere: what lies below was never sent in this one.
        CASE WHEN r.block = 0 THEN 0 ELSE lower(r.received) END
    ) AS next_sequence
) AS before
CROSS JOIN LATERAL unnest(
    int8multirange(int8range(before.next_sequence, upper(r.received))) - r.received
) AS gap (sequences)
CROSS JOIN LATERAL unnest(
    int8multirange(gap.sequences) - coalesce(
        (
            SELECT range_agg(int8range(d.from_sequence, least(d.to_sequence, 9223372036854775806), '[]'))
            FROM sparge.device_drop AS d
            WHERE d.unit_id = r.unit_id AND d.device = r.device AND d.epoch = r.epoch
                AND d.from_sequence < upper(gap.sequences) AND d.to_sequence >= lower(gap.sequences)
        ),
        '{}'
    )
) AS m (missing)
LEFT JOIN sparge.frame AS f
    ON f.unit_id = r.unit_id AND f.device = r.device AND f.epoch = r.epoch AND f.sequence = upper(gap.sequences);
COMMENT ON VIEW sparge.missing_frames IS
    'sequence numbers below one that came, neither received nor declared dropped; given up once past the horizon';
COMMENT ON COLUMN sparge.missing_frames.noticed_at IS 'recorded time of the frame that came after them';
COMMENT ON COLUMN sparge.missing_frames.last_recorded_at IS
    'when the latest frame of this block came: what is not given up has it within the horizon';

CREATE VIEW sparge.missing_frame_totals AS
SELECT site, unit, least(sum(frames), 9223372036854775807)::bigint AS frames
FROM sparge.missing_frames
WHERE last_recorded_at >= now() - sparge.late_after() AND NOT given_up
GROUP BY site, unit;
COMMENT ON VIEW sparge.missing_frame_totals IS 'frames of each unit that are missing now';

CREATE OR REPLACE VIEW sparge.units AS
SELECT st.name AS site,
       u.name AS unit,
       u.key,
       (SELECT min(f.recorded_at) FROM sparge.frame AS f WHERE f.unit_id = u.unit_id) AS first_seen,
       (SELECT max(f.recorded_at) FROM sparge.frame AS f WHERE f.unit_id = u.unit_id) AS last_recorded,
       (SELECT coalesce(sum(f.repeats), 0) FROM sparge.frame AS f WHERE f.unit_id = u.unit_id AND f.repeats > 0)
           AS repeated_frames,
       (SELECT count(*) FROM sparge.signal AS s WHERE s.unit_id = u.unit_id) AS signals,
       u.area,
       v.total_l,
       v.working_l,
       v.diameter_m,
       v.impeller,
       v.impellers,
       v.impeller_diameter_m,
       v.power_number,
       v.baffles
FROM sparge.unit AS u
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.vessel AS v USING (unit_id);

CREATE VIEW sparge.batches AS
SELECT st.name AS site,
       u.name AS unit,
       b.name AS batch,
       m.name AS member,
       b.organism,
       b.process,
       b.scale_l,
       b.started_at,
       b.ended_at,
       b.until = 'infinity' AS running,
       (SELECT p.name FROM sparge.phase AS p WHERE p.batch_id = b.batch_id ORDER BY p.number DESC LIMIT 1) AS phase,
       b.operator,
       NULLIF(b.until, 'infinity') AS until,
       b.batch_id
FROM sparge.batch AS b
JOIN sparge.member AS m USING (member_id)
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id);

COMMENT ON COLUMN sparge.batches.until IS 'its end, or the start of the next batch in the unit; NULL while it runs';

CREATE VIEW sparge.phases AS
SELECT st.name AS site,
       u.name AS unit,
       b.name AS batch,
       m.name AS member,
       p.name AS phase,
       p.started_at,
       NULLIF(p.until, 'infinity') AS ended_at,
       extract(epoch FROM p.started_at - b.started_at)::double precision / 3600 AS culture_age_h,
       p.batch_id
FROM sparge.phase AS p
JOIN sparge.batch AS b USING (batch_id)
JOIN sparge.member AS m USING (member_id)
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
WHERE p.name IS NOT NULL;
COMMENT ON COLUMN sparge.phases.culture_age_h IS 'when it began';

CREATE VIEW sparge.offline_samples AS
SELECT st.name AS site,
       u.name AS unit,
       b.name AS batch,
       m.name AS member,
       (
           SELECT p.name FROM sparge.phase AS p
           WHERE p.batch_id = o.batch_id AND p.started_at <= o.time AND p.until > o.time
       ) AS phase,
       o.time,
       extract(epoch FROM o.time - b.started_at)::double precision / 3600 AS culture_age_h,
       o.assay,
       o.value,
       o.ucum,
       e.operator,
       e.recorded_at,
       b.scale_l,
       o.batch_id
FROM sparge.offline_sample AS o
JOIN sparge.batch_event AS e USING (log_id, log_partition, log_offset)
JOIN sparge.batch AS b ON b.batch_id = o.batch_id
JOIN sparge.member AS m USING (member_id)
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id);

-- The order inside keeps the planner from joining a signal's whole history with the phases: for each phase and signal it
-- reads the index from start to end, and a condition on time still reaches it.
CREATE VIEW sparge.batch_samples AS
SELECT st.name AS site,
       u.name AS unit,
       b.name AS batch,
       m.name AS member,
       b.organism,
       b.process,
       b.scale_l,
       p.name AS phase,
       g.name AS signal,
       s.time,
       extract(epoch FROM s.time - b.started_at)::double precision / 3600 AS culture_age_h,
       NULLIF(s.value, 'NaN') AS value,
       g.ucum,
       s.status::bigint & 4294967295 AS status,
       (s.status & -1073741824) = 0 AS good,
       f.recorded_at,
       f.device,
       coalesce(s.time < f.late_before, FALSE) AS late,
       s.signal_id,
       b.batch_id
FROM sparge.batch AS b
JOIN sparge.member AS m USING (member_id)
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
JOIN sparge.signal AS g USING (unit_id)
JOIN sparge.phase AS p USING (batch_id)
CROSS JOIN LATERAL (
    SELECT x.time, x.value, x.status, x.frame_id, x.signal_id
    FROM sparge.sample AS x
    WHERE x.signal_id = g.signal_id AND x.time >= p.started_at AND x.time < p.until
    ORDER BY x.time
) AS s
LEFT JOIN sparge.frame AS f ON f.frame_id = s.frame_id;
COMMENT ON VIEW sparge.batch_samples IS 'the samples of a unit in the spans of its batches';
