SELECT unit_id, extract(epoch FROM hour)::bigint AS hour_s
FROM sparge.dirty_hour
WHERE hour + interval '1 hour' <= to_timestamp(%(now_s)s)
ORDER BY hour_s DESC, unit_id
