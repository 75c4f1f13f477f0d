-- Counted where the repeat is known, in the transaction that skips it: exact, whatever is killed when.
UPDATE sparge.frame AS f
SET repeats = f.repeats + sent.times
FROM unnest(
    %(unit_ids)s::integer[], %(devices)s::text[], %(epochs)s::bigint[], %(sequences)s::bigint[], %(times)s::integer[]
) AS sent (unit_id, device, epoch, sequence, times)
WHERE f.unit_id = sent.unit_id AND f.device = sent.device
    AND f.epoch = sent.epoch AND f.sequence = sent.sequence
