INSERT INTO sparge.audit (what, detail)
SELECT 'retention',
       jsonb_build_object(
           'level', %(level)s::text,
           'unit', u.key,
           'signal_class', %(signal_class)s::text,
           'from', to_timestamp(%(first_s)s),
           'to', to_timestamp(%(end_s)s),
           'rows', %(rows)s::bigint
       )
FROM sparge.unit AS u
WHERE u.unit_id = %(unit_id)s
