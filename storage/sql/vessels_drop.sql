DELETE FROM sparge.vessel AS v
USING unnest(%(sites)s::text[], %(units)s::text[], %(vessels)s::text[]) AS said (site, unit, vessel)
JOIN sparge.unit AS u ON u.key = said.site || '/' || said.unit
WHERE v.unit_id = u.unit_id AND said.vessel IS NULL
RETURNING u.key
