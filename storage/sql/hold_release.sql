DELETE FROM sparge.legal_hold WHERE batch_id = %(batch_id)s
