UPDATE sparge.position
SET retired_at = NULL
WHERE retired_at IS NOT NULL AND log_id = ANY(%(log_ids)s::integer[])
