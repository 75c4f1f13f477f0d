-- Decision 0004, declared: all known versions of a contested sample in the order of their recording; the last run of
-- equal ones is what is known now, from the frame that began it to the frame that last confirmed it. Of earlier runs
-- both ends are kept. The outcome depends on what is known, not on the order in which it came.
WITH contested AS (
    SELECT DISTINCT s.signal_id, s.time
    FROM pg_temp.sparge_stage AS s
    JOIN sparge.sample AS c ON c.signal_id = s.signal_id AND c.time = s.time
    WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
        AND (c.frame_id <> s.frame_id OR s.frame_id = ANY(%(moved)s::bigint[]))
),
present AS (
    SELECT c.*
    FROM contested AS k
    JOIN sparge.sample AS c ON c.signal_id = k.signal_id AND c.time = k.time
    WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
),
version AS (
    SELECT s.signal_id, s.time, s.value, s.status, s.frame_id
    FROM contested AS k
    JOIN pg_temp.sparge_stage AS s ON s.signal_id = k.signal_id AND s.time = k.time
    UNION
    SELECT signal_id, time, value, status, frame_id FROM present
    UNION
    SELECT signal_id, time, value, status, confirmed_frame_id FROM present WHERE confirmed_frame_id IS NOT NULL
    UNION
    SELECT o.signal_id, o.time, o.value, o.status, o.frame_id
    FROM contested AS k
    JOIN sparge.sample_superseded AS o ON o.signal_id = k.signal_id AND o.time = k.time
),
ordered AS (
    SELECT v.*,
           row_number() OVER w AS place,
           (lag(v.value) OVER w, lag(v.status) OVER w) IS DISTINCT FROM (v.value, v.status) AS begins
    FROM version AS v
    JOIN sparge.frame AS f USING (frame_id)
    JOIN sparge.log AS l USING (log_id)
    WINDOW w AS (
        PARTITION BY v.signal_id, v.time
        ORDER BY f.recorded_at, l.topic COLLATE "C", f.log_partition, f.log_offset, v.frame_id
    )
),
numbered AS (
    SELECT o.*, count(*) FILTER (WHERE begins) OVER (PARTITION BY signal_id, time ORDER BY place) AS run
    FROM ordered AS o
),
judged AS (
    SELECT n.*,
           run = max(run) OVER (PARTITION BY signal_id, time) AS known_now,
           place = max(place) OVER r AS ends,
           first_value(frame_id) OVER (r ORDER BY place) AS first_frame,
           first_value(frame_id) OVER (r ORDER BY place DESC) AS last_frame
    FROM numbered AS n
    WINDOW r AS (PARTITION BY signal_id, time, run)
),
rewritten AS (
    UPDATE sparge.sample AS c
    SET value = j.value,
        status = j.status,
        frame_id = j.first_frame,
        confirmed_frame_id = NULLIF(j.last_frame, j.first_frame)
    FROM judged AS j
    WHERE j.known_now AND j.begins
        AND c.signal_id = j.signal_id AND c.time = j.time
        AND c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
        AND (c.value, c.status, c.frame_id, c.confirmed_frame_id)
            IS DISTINCT FROM (j.value, j.status, j.first_frame, NULLIF(j.last_frame, j.first_frame))
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
