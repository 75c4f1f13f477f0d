-- A batch of which a bound is not known yet is taken to have none: it keeps more. One under legal hold keeps, besides
-- what it covers now, what it ever covered; least and greatest pass over the NULL of a batch without a hold.
SELECT b.unit_id,
       m.name,
       extract(epoch FROM least(coalesce(b.started_at, '-infinity'), h.kept_from))::double precision,
       extract(epoch FROM greatest(coalesce(b.until, 'infinity'), h.kept_until))::double precision,
       h.hold_id IS NOT NULL
FROM sparge.batch AS b
JOIN sparge.member AS m USING (member_id)
LEFT JOIN sparge.legal_hold AS h USING (batch_id)
