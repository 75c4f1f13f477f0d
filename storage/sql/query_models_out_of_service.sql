-- The index unit_score_out_of_service has them. With the next batch in its unit, or after the end of the last one, a
-- model is anew in service: what it said before is past.
WITH present AS (
    SELECT site, unit, greatest(max(started_at), max(until)) AS since
    FROM sparge.batches
    GROUP BY site, unit
)
SELECT DISTINCT ON (s.site, s.unit, s.layer, s.model_digest)
       s.site || '/' || s.unit, s.layer, s.model_digest, (extract(epoch FROM s.time) * 1000000)::bigint, s.reason
FROM sparge.unit_scores AS s
LEFT JOIN present AS p USING (site, unit)
WHERE starts_with(s.reason, 'out of service') AND (p.since IS NULL OR s.time >= p.since)
ORDER BY s.site, s.unit, s.layer, s.model_digest, s.time DESC
