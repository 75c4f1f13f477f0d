SELECT count(*) AS judged,
       count(*) FILTER (WHERE a.suspect) AS first_suspects,
       count(*) FILTER (WHERE b.suspect) AS second_suspects,
       count(*) FILTER (WHERE a.suspect AND b.suspect) AS both_suspect
FROM sparge.unit_scores AS a
JOIN sparge.unit_scores AS b USING (unit_id, time)
WHERE a.model_digest = %(first)s AND b.model_digest = %(second)s
    AND (%(unit)s::text IS NULL OR a.site || '/' || a.unit = %(unit)s)
    AND a.time >= sparge.at_us(%(start_us)s) AND a.time < sparge.at_us(%(end_us)s)
    AND b.time >= sparge.at_us(%(start_us)s) AND b.time < sparge.at_us(%(end_us)s)
