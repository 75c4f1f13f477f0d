SELECT at, who, what, detail FROM sparge.audit ORDER BY audit_id
