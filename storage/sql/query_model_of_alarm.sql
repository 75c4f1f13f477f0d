-- The champion that suspected the signal last before the alarm was raised, or the unit as a whole where none did.
SELECT m.name, m.version, m.digest
FROM (
    SELECT s.time, s.result_id, 1 AS rank
    FROM sparge.score AS s
    JOIN sparge.signal AS g USING (signal_id)
    JOIN sparge.unit AS u USING (unit_id)
    WHERE u.key = %(unit)s AND g.name = %(signal)s AND s.suspect
        AND s.time <= sparge.at_us(%(raised_us)s)
        AND s.time > sparge.at_us(%(raised_us)s) - interval '1 hour'
    UNION ALL
    SELECT s.time, s.result_id, 2
    FROM sparge.unit_score AS s
    JOIN sparge.unit AS u USING (unit_id)
    WHERE u.key = %(unit)s AND s.suspect
        AND s.time <= sparge.at_us(%(raised_us)s)
        AND s.time > sparge.at_us(%(raised_us)s) - interval '1 hour'
) AS told
JOIN sparge.result AS r USING (result_id)
JOIN sparge.model AS m USING (model_id)
WHERE r.role = 'champion'
ORDER BY told.rank, told.time DESC
LIMIT 1
