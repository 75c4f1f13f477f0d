UPDATE sparge.position
SET retired_at = now()
WHERE retired_at IS NULL AND topic = ANY(%(topics)s::text[]) AND log_id <> ALL(%(log_ids)s::integer[])
