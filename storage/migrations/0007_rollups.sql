-- Samples by the second, minute and hour, and what of them has to be computed anew. A value holds from its sample until
-- the next one, at most for the signal's hold_s, and a bad sample ends it: the mean is weighted by that time.

CREATE TABLE sparge.dirty_span (
    unit_id integer NOT NULL,
    first timestamptz NOT NULL,
    last timestamptz NOT NULL CHECK (last >= first)
);
CREATE INDEX dirty_span_unit ON sparge.dirty_span (unit_id);
COMMENT ON TABLE sparge.dirty_span IS
    'samples of a unit, both ends included, that were written and not yet digested; each lies within an hour';

CREATE TABLE sparge.dirty_hour (
    unit_id integer NOT NULL,
    hour timestamptz NOT NULL,
    PRIMARY KEY (unit_id, hour)
);
COMMENT ON TABLE sparge.dirty_hour IS 'hours whose minutes are digested, but which themselves are not';

CREATE TABLE sparge.signal_upkeep (
    signal_id integer PRIMARY KEY REFERENCES sparge.signal,
    hold_s double precision NOT NULL CHECK (hold_s > 0),
    by_second boolean NOT NULL DEFAULT FALSE,
    raw_since timestamptz
);
COMMENT ON COLUMN sparge.signal_upkeep.hold_s IS 'longest time for which a value holds without another sample, seconds';
COMMENT ON COLUMN sparge.signal_upkeep.by_second IS 'sampled so fast that seconds are stored; of others they are the samples';
COMMENT ON COLUMN sparge.signal_upkeep.raw_since IS 'samples before it were dropped: buckets before it stay as they are';

CREATE TABLE sparge.sample_1m (
    time timestamptz NOT NULL,
    min double precision,
    max double precision,
    first double precision,
    last double precision,
    mean double precision,
    known_s double precision NOT NULL,
    signal_id integer NOT NULL,
    count integer NOT NULL,
    bad_count integer NOT NULL
);
COMMENT ON COLUMN sparge.sample_1m.time IS 'begin of the bucket';
COMMENT ON COLUMN sparge.sample_1m.min IS 'of the usable samples in the bucket, as max, first, last and count are';
COMMENT ON COLUMN sparge.sample_1m.mean IS 'of the value in force, which a sample before the bucket may have brought';
COMMENT ON COLUMN sparge.sample_1m.known_s IS 'seconds of the bucket for which a value was in force: the weight of mean';
CREATE TABLE sparge.sample_1s (LIKE sparge.sample_1m INCLUDING COMMENTS);
CREATE TABLE sparge.sample_1h (LIKE sparge.sample_1m INCLUDING COMMENTS);
CREATE UNIQUE INDEX sample_1s_signal_time ON sparge.sample_1s (signal_id, time);
CREATE UNIQUE INDEX sample_1m_signal_time ON sparge.sample_1m (signal_id, time);
CREATE UNIQUE INDEX sample_1h_signal_time ON sparge.sample_1h (signal_id, time);

DO $$
DECLARE
    extension_schema name;
    target record;
BEGIN
    SELECT n.nspname INTO extension_schema
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- A database that was made with plain tables stays so.
    IF NOT EXISTS (
        SELECT FROM timescaledb_information.hypertables
        WHERE hypertable_schema = 'sparge' AND hypertable_name = 'sample'
    ) THEN
        RETURN;
    END IF;
    FOR target IN
        SELECT * FROM (VALUES ('sample_1s', '1 day'), ('sample_1m', '14 days'), ('sample_1h', '364 days')) AS t (name, chunk)
    LOOP
        EXECUTE format(
            'SELECT %I.create_hypertable(%L::regclass, ''time''::name,'
            ' chunk_time_interval => %L::interval, create_default_indexes => FALSE)',
            extension_schema, 'sparge.' || target.name, target.chunk
        );
    END LOOP;
END
$$;

INSERT INTO sparge.dirty_span (unit_id, first, last)
SELECT g.unit_id, min(s.time), max(s.time)
FROM sparge.sample AS s
JOIN sparge.signal AS g USING (signal_id)
GROUP BY g.unit_id, date_bin('1 hour', s.time, 'epoch');

-- Both functions are planned for their very arguments: a hypertable then opens no other chunks.

CREATE FUNCTION sparge.buckets_of(
    signal_ids integer[], firsts timestamptz[], lasts timestamptz[], width interval
) RETURNS TABLE (signal_id integer, since timestamptz, until timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    low CONSTANT timestamptz := (SELECT min(f) FROM unnest(firsts) AS f);
    high CONSTANT timestamptz := (SELECT max(l) FROM unnest(lasts) AS l) + width;
    longest CONSTANT interval := (
        SELECT make_interval(secs => coalesce(max(k.hold_s), 0) + 3600)
        FROM sparge.signal_upkeep AS k WHERE k.signal_id = ANY(signal_ids)
    );
BEGIN
    RETURN QUERY
    WITH written AS MATERIALIZED (
        SELECT w.signal_id,
               unnest(range_agg(tstzrange(
                   date_bin(width, w.first, 'epoch'), date_bin(width, w.last, 'epoch') + width
               ))) AS span
        FROM unnest(signal_ids, firsts, lasts) AS w (signal_id, first, last)
        GROUP BY w.signal_id
    ),
    -- The value of the last sample of a span is carried into the bucket of the next sample.
    touched AS (
        SELECT w.signal_id, w.span FROM written AS w
        UNION ALL
        SELECT w.signal_id,
               tstzrange(date_bin(width, n.time, 'epoch'), date_bin(width, n.time, 'epoch') + width)
        FROM written AS w
        LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
        CROSS JOIN LATERAL (
            SELECT x.time
            FROM sparge.sample AS x
            WHERE x.signal_id = w.signal_id
                AND x.time >= upper(w.span)
                AND x.time < upper(w.span) + make_interval(secs => coalesce(k.hold_s, 3600))
                AND x.time >= low AND x.time < high + longest
            ORDER BY x.time
            LIMIT 1
        ) AS n
    ),
    joined AS (
        SELECT t.signal_id, unnest(range_agg(t.span)) AS span FROM touched AS t GROUP BY t.signal_id
    ),
    kept AS (
        SELECT j.signal_id,
               greatest(lower(j.span), date_bin(width, k.raw_since + width - interval '1 us', 'epoch')) AS since,
               upper(j.span) AS until
        FROM joined AS j
        LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
    )
    SELECT k.signal_id, k.since, k.until FROM kept AS k WHERE k.since < k.until;
END
$$;
COMMENT ON FUNCTION sparge.buckets_of IS
    'spans of whole buckets that samples written from first to last, both included, have an influence on';

CREATE FUNCTION sparge.summarise(
    signal_ids integer[], sinces timestamptz[], untils timestamptz[], width interval
) RETURNS TABLE (
    signal_id integer, "time" timestamptz, min double precision, max double precision, first double precision,
    last double precision, mean double precision, known_s double precision, count integer, bad_count integer
)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    low CONSTANT timestamptz := (SELECT min(s) FROM unnest(sinces) AS s);
    high CONSTANT timestamptz := (SELECT max(u) FROM unnest(untils) AS u);
    longest CONSTANT interval := (
        SELECT make_interval(secs => coalesce(max(k.hold_s), 0) + 3600)
        FROM sparge.signal_upkeep AS k WHERE k.signal_id = ANY(signal_ids)
    );
    -- Microseconds as floating point are whole numbers up to 285 years: nothing is rounded until the mean.
    width_us CONSTANT double precision := date_part('epoch', width) * 1e6;
BEGIN
    RETURN QUERY
    SELECT w.signal_id, b.time, b.min, b.max, b.in_order[1], b.in_order[cardinality(b.in_order)],
           b.value_us / NULLIF(b.known_us, 0), b.known_us / 1e6, b.count, b.bad_count
    FROM unnest(signal_ids, sinces, untils) AS w (signal_id, since, until)
    LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
    CROSS JOIN LATERAL (SELECT coalesce(k.hold_s, 3600) * 1e6 AS hold_us) AS h
    CROSS JOIN LATERAL (
        SELECT w.since + p.place * width AS time,
               min(p.value) AS min,
               max(p.value) AS max,
               array_agg(p.value ORDER BY p.at_us) FILTER (WHERE p.value IS NOT NULL) AS in_order,
               sum(p.own_us * coalesce(p.value, 0) + p.before_us * coalesce(p.value_before, 0)) AS value_us,
               sum(p.own_us + p.before_us) AS known_us,
               count(p.value)::integer AS count,
               (count(*) - count(p.value))::integer AS bad_count
        FROM (
            SELECT q.place, q.at_us, q.value, q.value_before,
                   CASE WHEN q.value IS NULL THEN 0
                        ELSE least(q.next_us, q.at_us + h.hold_us, (q.place + 1) * width_us) - q.at_us
                   END AS own_us,
                   CASE WHEN q.value_before IS NULL OR q.before_us >= q.place * width_us THEN 0
                        ELSE greatest(least(q.at_us, q.before_us + h.hold_us) - q.place * width_us, 0)
                   END AS before_us
            FROM (
                SELECT r.at_us, r.value, floor(r.at_us / width_us) AS place,
                       lead(r.at_us) OVER w AS next_us, lag(r.at_us) OVER w AS before_us, lag(r.value) OVER w AS value_before
                FROM (
                    SELECT round(date_part('epoch', x.time - w.since) * 1e6) AS at_us,
                           CASE WHEN x.status >= 0 AND x.value <> 'NaN' THEN x.value END AS value
                    FROM sparge.sample AS x
                    WHERE x.signal_id = w.signal_id AND x.time >= w.since AND x.time < w.until
                        AND x.time >= low AND x.time < high
                    UNION ALL
                    (
                        SELECT round(date_part('epoch', x.time - w.since) * 1e6),
                               CASE WHEN x.status >= 0 AND x.value <> 'NaN' THEN x.value END
                        FROM sparge.sample AS x
                        WHERE x.signal_id = w.signal_id
                            AND x.time < w.since AND x.time > w.since - make_interval(secs => h.hold_us / 1e6)
                            AND x.time < high AND x.time > low - longest
                        ORDER BY x.time DESC
                        LIMIT 1
                    )
                ) AS r
                WINDOW w AS (ORDER BY r.at_us)
            ) AS q
            WHERE q.at_us >= 0
        ) AS p
        GROUP BY p.place
    ) AS b;
END
$$;
COMMENT ON FUNCTION sparge.summarise IS 'buckets with samples in spans of whole buckets, computed from the samples';

CREATE FUNCTION sparge.undigested(
    wanted integer[], width interval, from_time timestamptz, to_time timestamptz
) RETURNS TABLE (signal_id integer, since timestamptz, until timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
    ids integer[];
    firsts timestamptz[];
    lasts timestamptz[];
BEGIN
    SELECT array_agg(m.signal_id), array_agg(lower(m.span)), array_agg(upper(m.span) - interval '1 us')
    INTO ids, firsts, lasts
    FROM (
        SELECT g.signal_id,
               unnest(range_agg(tstzrange(date_bin('1 s', d.first, 'epoch'), date_bin('1 s', d.last, 'epoch') + interval '1 s')))
                   AS span
        FROM sparge.signal AS g
        CROSS JOIN LATERAL (
            SELECT s.first, s.last FROM sparge.dirty_span AS s WHERE s.unit_id = g.unit_id
            UNION ALL
            SELECT h.hour, h.hour + interval '1 hour' - interval '1 us'
            FROM sparge.dirty_hour AS h
            WHERE width = interval '1 hour' AND h.unit_id = g.unit_id
        ) AS d
        WHERE g.signal_id = ANY(wanted)
        GROUP BY g.signal_id
    ) AS m;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT b.signal_id,
           greatest(b.since, date_bin(width, from_time, 'epoch')),
           least(b.until, date_bin(width, to_time, 'epoch') + width)
    FROM sparge.buckets_of(ids, firsts, lasts, width) AS b
    WHERE (to_time IS NULL OR b.since < to_time)
        AND (from_time IS NULL OR b.until > from_time);
END
$$;
COMMENT ON FUNCTION sparge.undigested IS 'spans of buckets that must be computed from the samples, within a span; NULL: without a bound';

-- What has been written since the last digest is computed from the samples, so that no view is ever behind another.

CREATE VIEW sparge.samples_1m AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       b.time,
       b.min,
       b.max,
       b.first,
       b.last,
       b.mean,
       g.ucum,
       b.count,
       b.bad_count,
       b.known_s,
       g.signal_id
FROM sparge.signal AS g
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(tstzrange(d.since, d.until)), '{}') AS spans
    FROM sparge.undigested(ARRAY[g.signal_id], '1 minute', NULL, NULL) AS d
    OFFSET 0
) AS dirty
CROSS JOIN LATERAL (
    SELECT s.time, s.min, s.max, s.first, s.last, s.mean, s.count, s.bad_count, s.known_s
    FROM sparge.sample_1m AS s
    WHERE s.signal_id = g.signal_id AND NOT s.time <@ dirty.spans
    UNION ALL
    SELECT f.time, f.min, f.max, f.first, f.last, f.mean, f.count, f.bad_count, f.known_s
    FROM unnest(dirty.spans) AS span
    CROSS JOIN LATERAL sparge.summarise(ARRAY[g.signal_id], ARRAY[lower(span)], ARRAY[upper(span)], '1 minute') AS f
) AS b;

CREATE VIEW sparge.samples_1h AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       b.time,
       b.min,
       b.max,
       b.first,
       b.last,
       b.mean,
       g.ucum,
       b.count,
       b.bad_count,
       b.known_s,
       g.signal_id
FROM sparge.signal AS g
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(tstzrange(d.since, d.until)), '{}') AS spans
    FROM sparge.undigested(ARRAY[g.signal_id], '1 hour', NULL, NULL) AS d
    OFFSET 0
) AS dirty
CROSS JOIN LATERAL (
    SELECT s.time, s.min, s.max, s.first, s.last, s.mean, s.count, s.bad_count, s.known_s
    FROM sparge.sample_1h AS s
    WHERE s.signal_id = g.signal_id AND NOT s.time <@ dirty.spans
    UNION ALL
    SELECT f.time, f.min, f.max, f.first, f.last, f.mean, f.count, f.bad_count, f.known_s
    FROM unnest(dirty.spans) AS span
    CROSS JOIN LATERAL sparge.summarise(ARRAY[g.signal_id], ARRAY[lower(span)], ARRAY[upper(span)], '1 hour') AS f
) AS b;

CREATE VIEW sparge.samples_1s AS
SELECT st.name AS site,
       u.name AS unit,
       g.name AS signal,
       b.time,
       b.min,
       b.max,
       b.first,
       b.last,
       b.mean,
       g.ucum,
       b.count,
       b.bad_count,
       b.known_s,
       g.signal_id
FROM sparge.signal AS g
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
CROSS JOIN LATERAL (
    SELECT coalesce(range_agg(tstzrange(d.since, d.until)), '{}') AS spans
    FROM sparge.undigested(ARRAY[g.signal_id], '1 second', NULL, NULL) AS d
    WHERE k.by_second
    OFFSET 0
) AS dirty
CROSS JOIN LATERAL (
    SELECT s.time, s.min, s.max, s.first, s.last, s.mean, s.count, s.bad_count, s.known_s
    FROM sparge.sample_1s AS s
    WHERE k.by_second AND s.signal_id = g.signal_id AND NOT s.time <@ dirty.spans
    UNION ALL
    SELECT f.time, f.min, f.max, f.first, f.last, f.mean, f.count, f.bad_count, f.known_s
    FROM unnest(dirty.spans) AS span
    CROSS JOIN LATERAL sparge.summarise(ARRAY[g.signal_id], ARRAY[lower(span)], ARRAY[upper(span)], '1 second') AS f
    UNION ALL
    SELECT x.time, v.value, v.value, v.value, v.value, v.value, (v.value IS NOT NULL)::integer, (v.value IS NULL)::integer, NULL
    FROM sparge.sample AS x
    CROSS JOIN LATERAL (SELECT CASE WHEN x.status >= 0 AND x.value <> 'NaN' THEN x.value END AS value) AS v
    WHERE k.by_second IS NOT TRUE AND x.signal_id = g.signal_id
) AS b;
COMMENT ON VIEW sparge.samples_1s IS
    'of a signal that is sampled about once a second or more slowly: its samples at their own times, known_s NULL';
