-- A unit that another process digests is left out. In a statement of its own: the next one sees what that process did.
SELECT u.unit_id
FROM unnest(%(unit_ids)s::integer[]) AS u (unit_id)
WHERE pg_try_advisory_xact_lock(%(lock)s::integer, u.unit_id)
