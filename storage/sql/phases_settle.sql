-- From the start of each batch to its end without a gap. What was said before the start holds from it on.
WITH ranked AS (
    SELECT e.*, l.topic COLLATE "C" AS topic, b.started_at, b.until,
           row_number() OVER (
               PARTITION BY e.batch_id, e.event
               ORDER BY e.recorded_at DESC, l.topic COLLATE "C" DESC, e.log_partition DESC, e.log_offset DESC
           ) = 1 AS last_of_kind
    FROM sparge.batch AS b
    JOIN sparge.batch_event AS e USING (batch_id)
    JOIN sparge.log AS l USING (log_id)
    WHERE b.unit_id = ANY(%(unit_ids)s::integer[])
),
point AS (
    SELECT batch_id, greatest(time, started_at) AS started_at, until, phase AS name,
           time, recorded_at, topic, log_partition, log_offset
    FROM ranked
    WHERE phase IS NOT NULL AND (event = 'phase' OR (event = 'start' AND last_of_kind))
    UNION ALL
    SELECT batch_id, started_at, until, NULL, '-infinity', '-infinity', '', 0, 0
    FROM sparge.batch
    WHERE unit_id = ANY(%(unit_ids)s::integer[])
),
phase AS (
    SELECT DISTINCT ON (batch_id, started_at) batch_id, started_at, until, name
    FROM point
    WHERE started_at < until
    ORDER BY batch_id, started_at, time DESC, recorded_at DESC, topic DESC, log_partition DESC, log_offset DESC
)
INSERT INTO sparge.phase (batch_id, number, name, started_at, until)
SELECT batch_id, row_number() OVER w, name, started_at, lead(started_at, 1, until) OVER w
FROM phase
WINDOW w AS (PARTITION BY batch_id ORDER BY started_at)
