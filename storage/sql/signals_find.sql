SELECT g.unit_id, g.name, g.signal_id, g.ucum
FROM sparge.signal AS g
JOIN unnest(%(unit_ids)s::integer[], %(names)s::text[]) AS wanted (unit_id, name)
    ON wanted.unit_id = g.unit_id AND wanted.name = g.name
