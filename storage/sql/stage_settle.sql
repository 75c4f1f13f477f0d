-- Decision 0004, declared: all known versions of a staged sample in the order of their recording; the last run of
-- equal ones is what is known now, from the frame that began it to the frame that last confirmed it. Of earlier runs
-- both ends are kept. The outcome depends on what is known, not on the order in which it came.
WITH contested AS MATERIALIZED (
    SELECT DISTINCT signal_id, time FROM pg_temp.sparge_stage
),
present AS MATERIALIZED (
    SELECT c.time, c.value, c.frame_id, c.signal_id, c.status, c.confirmed_frame_id
    FROM contested AS k
    JOIN sparge.sample AS c ON c.signal_id = k.signal_id AND c.time = k.time
    WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
),
version AS (
    SELECT signal_id, time, value, status, frame_id FROM pg_temp.sparge_stage
    UNION
    SELECT signal_id, time, value, status, frame_id FROM present
    UNION
    SELECT signal_id, time, value, status, confirmed_frame_id FROM present WHERE confirmed_frame_id IS NOT NULL
    UNION
    SELECT o.signal_id, o.time, o.value, o.status, o.frame_id
    FROM contested AS k
    JOIN sparge.sample_superseded AS o ON o.signal_id = k.signal_id AND o.time = k.time
),
compared AS (
    SELECT v.*, f.recorded_at, l.topic COLLATE "C" AS topic, f.log_partition, f.log_offset,
           (lag(v.value) OVER w, lag(v.status) OVER w) IS DISTINCT FROM (v.value, v.status) AS begins
    FROM version AS v
    JOIN sparge.frame AS f USING (frame_id)
    JOIN sparge.log AS l USING (log_id)
    WINDOW w AS (
        PARTITION BY v.signal_id, v.time
        ORDER BY f.recorded_at, l.topic COLLATE "C", f.log_partition, f.log_offset, v.frame_id
    )
),
judged AS MATERIALIZED (
    SELECT signal_id, time, value, status, frame_id, begins,
           lead(begins, 1, TRUE) OVER w AS ends,
           count(*) FILTER (WHERE begins) OVER (w ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) = 0 AS known_now,
           last_value(frame_id) OVER (w ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS last_frame
    FROM compared
    WINDOW w AS (PARTITION BY signal_id, time ORDER BY recorded_at, topic, log_partition, log_offset, frame_id)
),
rewritten AS (
    UPDATE sparge.sample AS c
    SET value = j.value,
        status = j.status,
        frame_id = j.frame_id,
        confirmed_frame_id = NULLIF(j.last_frame, j.frame_id)
    FROM judged AS j
    WHERE j.known_now AND j.begins
        AND c.signal_id = j.signal_id AND c.time = j.time
        AND c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
        AND (c.value, c.status, c.frame_id, c.confirmed_frame_id)
            IS DISTINCT FROM (j.value, j.status, j.frame_id, NULLIF(j.last_frame, j.frame_id))
),
kept AS (
    INSERT INTO sparge.sample_superseded (time, value, frame_id, signal_id, status)
    SELECT time, value, frame_id, signal_id, status
    FROM judged
    WHERE NOT known_now AND (begins OR ends)
    ON CONFLICT DO NOTHING
    RETURNING frame_id
),
rejoined AS (
    DELETE FROM sparge.sample_superseded AS o
    USING judged AS j
    WHERE j.known_now AND o.signal_id = j.signal_id AND o.time = j.time AND o.frame_id = j.frame_id
)
SELECT count(*) FROM kept
