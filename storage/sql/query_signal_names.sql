SELECT site, unit, signal, coalesce(ucum, ''), signal_id
FROM sparge.signals
WHERE %(site)s::text IS NULL OR (site = %(site)s AND unit = %(unit)s)
ORDER BY site, unit, signal
