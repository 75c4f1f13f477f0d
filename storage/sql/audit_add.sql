INSERT INTO sparge.audit (what, detail) VALUES (%(what)s, %(detail)s)
