-- A change is audited; to set what is set already is none.
WITH changed AS (
    INSERT INTO sparge.horizon AS known (late_after)
    VALUES (make_interval(secs => %(late_after_s)s))
    ON CONFLICT (one) DO UPDATE
    SET late_after = excluded.late_after
    WHERE known.late_after <> excluded.late_after
    RETURNING late_after
)
INSERT INTO sparge.audit (what, detail)
SELECT 'horizon set', jsonb_build_object('late_after', late_after)
FROM changed
