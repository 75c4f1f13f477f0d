-- Outer joins to the names: a query that asks for none of them then pays for none of them (the newest value of
-- 1,000 signals took a third longer). No row is lost or gained: each sample has its signal, unit and site.
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
LEFT JOIN sparge.signal AS g USING (signal_id)
LEFT JOIN sparge.unit AS u ON u.unit_id = g.unit_id
LEFT JOIN sparge.site AS st USING (site_id)
LEFT JOIN sparge.frame AS f ON f.frame_id = s.frame_id
LEFT JOIN sparge.log AS l ON l.log_id = f.log_id;
