SELECT u.key, b.name, m.name, h.reason, h.placed_at, h.placed_by
FROM sparge.legal_hold AS h
JOIN sparge.batch AS b USING (batch_id)
JOIN sparge.member AS m USING (member_id)
JOIN sparge.unit AS u USING (unit_id)
ORDER BY h.hold_id
