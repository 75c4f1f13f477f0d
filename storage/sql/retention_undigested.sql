-- Nobody may digest the unit meanwhile: half of its samples would be gone.
SELECT NOT pg_try_advisory_xact_lock(%(lock)s::integer, %(unit_id)s::integer)
    OR EXISTS (SELECT FROM sparge.dirty_span WHERE unit_id = %(unit_id)s AND first < to_timestamp(%(end_s)s))
    OR EXISTS (SELECT FROM sparge.dirty_hour WHERE unit_id = %(unit_id)s AND hour < to_timestamp(%(end_s)s))
