-- Of each kind of event the one recorded last counts, of the ends that are not before the start. A batch ends at the
-- latest where the next in its unit starts.
WITH ranked AS (
    SELECT e.*, row_number() OVER w AS place, row_number() OVER w = 1 AS counts
    FROM sparge.batch AS b
    JOIN sparge.batch_event AS e USING (batch_id)
    JOIN sparge.log AS l USING (log_id)
    WHERE b.unit_id = ANY(%(unit_ids)s::integer[])
    WINDOW w AS (
        PARTITION BY e.batch_id, e.event
        ORDER BY e.recorded_at DESC, l.topic COLLATE "C" DESC, e.log_partition DESC, e.log_offset DESC
    )
),
started AS (
    SELECT batch_id,
           coalesce(max(time) FILTER (WHERE event = 'start' AND counts), min(time)) AS started_at,
           max(organism) FILTER (WHERE event = 'start' AND counts) AS organism,
           max(process) FILTER (WHERE event = 'start' AND counts) AS process,
           max(scale_l) FILTER (WHERE event = 'start' AND counts) AS scale_l,
           max(operator) FILTER (WHERE event = 'start' AND counts) AS operator
    FROM ranked
    GROUP BY batch_id
),
said AS (
    SELECT s.*, (
               SELECT r.time FROM ranked AS r
               WHERE r.batch_id = s.batch_id AND r.event = 'end' AND r.time >= s.started_at
               ORDER BY r.place
               LIMIT 1
           ) AS ended_at
    FROM started AS s
),
span AS (
    SELECT s.*,
           greatest(
               s.started_at,
               least(
                   s.ended_at,
                   lead(s.started_at) OVER (
                       PARTITION BY b.unit_id ORDER BY s.started_at, m.name COLLATE "C", b.name COLLATE "C"
                   ),
                   'infinity'
               )
           ) AS until
    FROM said AS s
    JOIN sparge.batch AS b USING (batch_id)
    JOIN sparge.member AS m USING (member_id)
)
UPDATE sparge.batch AS b
SET organism = s.organism,
    process = s.process,
    scale_l = s.scale_l,
    operator = s.operator,
    started_at = s.started_at,
    ended_at = s.ended_at,
    until = s.until
FROM span AS s
WHERE b.batch_id = s.batch_id
    AND (b.organism, b.process, b.scale_l, b.operator, b.started_at, b.ended_at, b.until)
        IS DISTINCT FROM (s.organism, s.process, s.scale_l, s.operator, s.started_at, s.ended_at, s.until)
