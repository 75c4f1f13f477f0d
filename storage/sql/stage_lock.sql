-- A statement of its own before the judgement: what another writer did until it let go of the lock is seen by the
-- next statement only. In one order, as the COPY does, so that two writers wait and do not lock each other out.
SELECT count(*)
FROM (
    SELECT FROM pg_temp.sparge_stage AS s
    JOIN sparge.sample AS c ON c.signal_id = s.signal_id AND c.time = s.time
    WHERE c.time BETWEEN sparge.at_us(%(first_us)s) AND sparge.at_us(%(last_us)s)
    ORDER BY c.signal_id, c.time
    FOR UPDATE OF c
) AS locked
