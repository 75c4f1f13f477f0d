INSERT INTO sparge.result (source_log_id, source_partition, source_offset, source_index, unit_id, model_id, layer, role)
SELECT *
FROM unnest(
    %(log_ids)s::integer[], %(partitions)s::integer[], %(offsets)s::bigint[], %(indices)s::bigint[],
    %(unit_ids)s::integer[], %(model_ids)s::integer[], %(layers)s::text[], %(roles)s::text[]
) AS sent (source_log_id, source_partition, source_offset, source_index, unit_id, model_id, layer, role)
ORDER BY source_log_id, source_partition, source_offset, source_index
ON CONFLICT (source_log_id, source_partition, source_offset, source_index) DO NOTHING
RETURNING source_log_id, source_partition, source_offset, source_index, result_id
