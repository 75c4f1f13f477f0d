SELECT site, unit, time, layer, role, score, suspect, learned, looks_like, reason,
       array_to_string(ARRAY(
           SELECT name || ' ' || round(share::numeric, 3)
           FROM unnest(signals, shares) AS told (name, share)
       ), ', ') AS signals,
       model, model_version
FROM sparge.unit_scores
WHERE (%(site)s::text IS NULL OR (site = %(site)s AND unit = %(unit)s))
    AND (%(layer)s::text IS NULL OR layer = %(layer)s)
    AND (%(signals)s::text[] = '{}' OR signals && %(signals)s::text[])
    AND time >= sparge.at_us(%(start_us)s)
    AND time < sparge.at_us(%(end_us)s)
ORDER BY time, site, unit, layer, role, model
LIMIT %(limit)s
