SELECT b.site || '/' || b.unit, b.batch, b.member, b.organism, b.process, b.scale_l,
       (extract(epoch FROM b.started_at) * 1000000)::bigint,
       (extract(epoch FROM b.until) * 1000000)::bigint,
       (
           SELECT count(*)
           FROM sparge.verdicts AS v
           WHERE v.verdict = 'true'
               AND starts_with(v.alarm_id, b.site || '/' || b.unit || '/')
               AND v.raised_at >= b.started_at AND v.raised_at < coalesce(b.until, 'infinity')
       )::integer,
       b.batch_id
FROM sparge.batches AS b
WHERE b.started_at IS NOT NULL
    AND (cardinality(%(names)s::text[]) = 0 OR b.batch = ANY(%(names)s::text[]))
ORDER BY b.started_at, b.member, b.site, b.unit
