-- Newest first: what people look at now is digested before a year of history that has just been imported.
SELECT DISTINCT unit_id, extract(epoch FROM date_bin('1 hour', first, 'epoch'))::bigint AS hour_s
FROM sparge.dirty_span
WHERE %(now_s)s::double precision IS NOT NULL
ORDER BY hour_s DESC, unit_id
