-- How long what is kept, which batches are under legal hold, and what was dropped. Without a rule nothing is dropped.

CREATE TABLE sparge.retention_rule (
    rule_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    level text NOT NULL CHECK (level IN ('raw', '1s', '1m', '1h')),
    signal_class text,
    member text,
    keep_days integer NOT NULL CHECK (keep_days > 0),
    UNIQUE NULLS NOT DISTINCT (level, signal_class, member)
);
COMMENT ON TABLE sparge.retention_rule IS 'of the rules that fit, one for the member wins, then one for the class';
COMMENT ON COLUMN sparge.retention_rule.signal_class IS 'as in the dictionary of signals; NULL: of every class';
COMMENT ON COLUMN sparge.retention_rule.member IS 'who owns the batch; NULL: of every member, and outside of batches';

CREATE TABLE sparge.legal_hold (
    hold_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id integer NOT NULL UNIQUE REFERENCES sparge.batch,
    reason text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    placed_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE sparge.legal_hold IS 'batches of which nothing is dropped while they are in it';

CREATE TABLE sparge.retention_run (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    day integer NOT NULL
);
INSERT INTO sparge.retention_run (day) VALUES (0);
COMMENT ON COLUMN sparge.retention_run.day IS 'day since 1970 UTC whose drops are done; whole days are dropped';

ALTER TABLE sparge.signal_upkeep ADD COLUMN signal_class text;
ALTER TABLE sparge.signal_upkeep DROP COLUMN raw_since;
ALTER TABLE sparge.signal_upkeep ADD COLUMN raw_dropped tstzmultirange NOT NULL DEFAULT '{}';
COMMENT ON COLUMN sparge.signal_upkeep.raw_dropped IS
    'whole days whose samples were dropped: their buckets stay as they were, whatever is sent late';

CREATE OR REPLACE FUNCTION sparge.buckets_of(
    signal_ids integer[], firsts timestamptz[], lasts timestamptz[], width interval
) RETURNS TABLE (signal_id integer, since timestamptz, until timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
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
    kept AS (
        SELECT t.signal_id, unnest(range_agg(t.span) - coalesce(k.raw_dropped, '{}')) AS span
        FROM touched AS t
        LEFT JOIN sparge.signal_upkeep AS k USING (signal_id)
        GROUP BY t.signal_id, k.raw_dropped
    )
    SELECT k.signal_id, lower(k.span), upper(k.span) FROM kept AS k;
END
$$;
ALTER FUNCTION sparge.summarise ROWS 60;
ALTER FUNCTION sparge.undigested ROWS 1;
