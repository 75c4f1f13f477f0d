INSERT INTO sparge.device_drop (unit_id, device, epoch, from_sequence, to_sequence, frame_id)
SELECT f.unit_id, f.device, f.epoch, d.from_sequence, d.to_sequence, f.frame_id
FROM unnest(%(frame_ids)s::bigint[], %(from_sequences)s::bigint[], %(to_sequences)s::bigint[])
    AS d (frame_id, from_sequence, to_sequence)
JOIN sparge.frame AS f USING (frame_id)
ORDER BY f.unit_id, f.device COLLATE "C", f.epoch, d.from_sequence, d.to_sequence
ON CONFLICT DO NOTHING
