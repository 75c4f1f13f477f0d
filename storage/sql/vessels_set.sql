INSERT INTO sparge.vessel AS known (
    unit_id, total_l, working_l, diameter_m, impeller, impellers, impeller_diameter_m, power_number, baffles
)
SELECT u.unit_id, v.total_l, v.working_l, v.diameter_m, v.impeller, v.impellers, v.impeller_diameter_m,
       v.power_number, v.baffles
FROM unnest(%(sites)s::text[], %(units)s::text[], %(vessels)s::text[]) AS said (site, unit, vessel)
JOIN sparge.unit AS u ON u.key = said.site || '/' || said.unit
CROSS JOIN LATERAL jsonb_to_record(said.vessel::jsonb) AS v (
    total_l double precision, working_l double precision, diameter_m double precision, impeller text,
    impellers integer, impeller_diameter_m double precision, power_number double precision, baffles integer
)
WHERE said.vessel IS NOT NULL
ON CONFLICT (unit_id) DO UPDATE
SET total_l = excluded.total_l,
    working_l = excluded.working_l,
    diameter_m = excluded.diameter_m,
    impeller = excluded.impeller,
    impellers = excluded.impellers,
    impeller_diameter_m = excluded.impeller_diameter_m,
    power_number = excluded.power_number,
    baffles = excluded.baffles
WHERE known IS DISTINCT FROM excluded
RETURNING (SELECT key FROM sparge.unit AS u WHERE u.unit_id = known.unit_id)
