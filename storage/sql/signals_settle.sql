UPDATE sparge.signal AS g
SET ucum = coalesce(g.ucum, wanted.ucum),
    declared = wanted.declared
FROM unnest(%(unit_ids)s::integer[], %(names)s::text[], %(ucums)s::text[], %(declared)s::boolean[])
    AS wanted (unit_id, name, ucum, declared)
WHERE g.unit_id = wanted.unit_id
    AND g.name = wanted.name
    AND ((g.ucum IS NULL AND wanted.ucum IS NOT NULL) OR g.declared <> wanted.declared)
