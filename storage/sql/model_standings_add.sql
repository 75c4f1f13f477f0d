INSERT INTO sparge.model_standing (
    registered_id, layer, context, unit, organism, process, scale_from_l, scale_to_l, phase,
    model_id, role, since, who, why, metrics
)
SELECT registered_id, layer, context, unit, organism, process, scale_from_l, scale_to_l, phase,
       model_id, role, sparge.at_us(since_us), who, why, metrics::jsonb
FROM unnest(
    %(registered_ids)s::text[], %(layers)s::text[], %(contexts)s::text[], %(units)s::text[],
    %(organisms)s::text[], %(processes)s::text[], %(scales_from_l)s::float8[], %(scales_to_l)s::float8[],
    %(phases)s::text[], %(model_ids)s::integer[], %(roles)s::text[], %(since_us)s::bigint[],
    %(names)s::text[], %(reasons)s::text[], %(metrics)s::text[]
) AS t (
    registered_id, layer, context, unit,
    organism, process, scale_from_l, scale_to_l,
    phase, model_id, role, since_us,
    who, why, metrics
)
