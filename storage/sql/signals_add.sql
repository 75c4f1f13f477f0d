INSERT INTO sparge.signal (unit_id, name, ucum, declared)
SELECT wanted.unit_id, wanted.name, wanted.ucum, wanted.declared
FROM unnest(%(unit_ids)s::integer[], %(names)s::text[], %(ucums)s::text[], %(declared)s::boolean[])
    AS wanted (unit_id, name, ucum, declared)
WHERE NOT EXISTS (SELECT FROM sparge.signal AS g WHERE g.unit_id = wanted.unit_id AND g.name = wanted.name)
ORDER BY wanted.unit_id, wanted.name
ON CONFLICT DO NOTHING
