INSERT INTO sparge.unit (site_id, name, key)
SELECT s.site_id, wanted.unit, wanted.site || '/' || wanted.unit
FROM unnest(%(sites)s::text[], %(units)s::text[]) AS wanted (site, unit)
JOIN sparge.site AS s ON s.name = wanted.site
WHERE NOT EXISTS (SELECT FROM sparge.unit AS u WHERE u.site_id = s.site_id AND u.name = wanted.unit)
ORDER BY wanted.site, wanted.unit
ON CONFLICT DO NOTHING
