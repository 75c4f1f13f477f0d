SELECT site || '/' || unit, batch, member,
       (extract(epoch FROM started_at) * 1000000)::bigint,
       (extract(epoch FROM until) * 1000000)::bigint
FROM sparge.batches
WHERE batch = %(batch)s AND (%(member)s::text IS NULL OR member = %(member)s) AND started_at IS NOT NULL
ORDER BY started_at
