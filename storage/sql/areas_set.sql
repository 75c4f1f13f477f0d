UPDATE sparge.unit AS u
SET area = said.area
FROM unnest(%(sites)s::text[], %(units)s::text[], %(areas)s::text[]) AS said (site, unit, area)
JOIN sparge.site AS s ON s.name = said.site
WHERE u.site_id = s.site_id AND u.name = said.unit AND u.area IS DISTINCT FROM said.area
RETURNING u.key
