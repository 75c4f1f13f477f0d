INSERT INTO sparge.audit (at, who, what, detail)
SELECT %(at)s, %(who)s, %(what)s, %(detail)s
WHERE NOT EXISTS (
    SELECT FROM sparge.audit AS a
    WHERE a.at = %(at)s AND a.who = %(who)s AND a.what = %(what)s AND a.detail = %(detail)s
)
