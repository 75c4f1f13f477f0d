-- A batch of which a bound is not known yet is taken to have none: it keeps more.
SELECT b.unit_id,
       m.name,
       extract(epoch FROM coalesce(b.started_at, '-infinity'))::double precision,
       extract(epoch FROM coalesce(b.until, 'infinity'))::double precision,
       EXISTS (SELECT FROM sparge.legal_hold AS h WHERE h.batch_id = b.batch_id)
FROM sparge.batch AS b
JOIN sparge.member AS m USING (member_id)
