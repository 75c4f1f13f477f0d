SELECT g.site, g.unit, g.newest_us, coalesce(m.frames, 0)
FROM (
    SELECT site, unit, (extract(epoch FROM max(last_time)) * 1000000)::bigint AS newest_us
    FROM sparge.signals
    GROUP BY site, unit
    HAVING max(last_time) IS NOT NULL
) AS g
LEFT JOIN sparge.missing_frame_totals AS m USING (site, unit)
