UPDATE sparge.model_event AS e
SET void = coalesce(told.reason, '')
FROM sparge.model_event AS all_of_them
LEFT JOIN unnest(%(ids)s::text[], %(reasons)s::text[]) AS told (event_id, reason) USING (event_id)
WHERE e.event_id = all_of_them.event_id AND e.void <> coalesce(told.reason, '')
