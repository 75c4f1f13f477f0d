UPDATE sparge.position AS p
SET next_offset = moved.next_offset,
    moved_at = clock_timestamp(),
    passed_offsets = p.passed_offsets + moved.passed,
    last_hole = coalesce(int8range(moved.hole_from, moved.hole_to), p.last_hole)
FROM unnest(
    %(topics)s::text[], %(partitions)s::integer[], %(next_offsets)s::bigint[],
    %(passed)s::bigint[], %(hole_from)s::bigint[], %(hole_to)s::bigint[]
) AS moved (topic, partition, next_offset, passed, hole_from, hole_to)
WHERE p.sink = %(sink)s AND p.topic = moved.topic AND p.partition = moved.partition AND p.retired_at IS NULL
