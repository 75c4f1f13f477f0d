SELECT site, unit, signal, ucum, declared, first_time, last_time
FROM sparge.signals
WHERE %(site)s::text IS NULL OR (site = %(site)s AND unit = %(unit)s)
ORDER BY site, unit, signal
