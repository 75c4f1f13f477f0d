SELECT count(pg_advisory_xact_lock_shared(%(class)s, unit_id))
FROM (SELECT unnest(%(unit_ids)s::integer[]) AS unit_id ORDER BY 1) AS wanted
