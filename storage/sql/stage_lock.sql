-- Now every staged signal and time has a row. Those that another version holds are locked before they are judged, by
-- a statement of its own: what another writer did until it let go of the lock is then seen by the next one.
SELECT count(*)
FROM (
    SELECT FROM sparge.sample AS c
    JOIN pg_temp.sparge_stage AS s ON s.signal_id = c.signal_id AND s.time = c.time
    WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
        AND (c.frame_id <> s.frame_id OR s.frame_id = ANY(%(moved)s::bigint[]))
    ORDER BY c.signal_id, c.time
    FOR UPDATE OF c
) AS locked
