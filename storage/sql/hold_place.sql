INSERT INTO sparge.legal_hold (batch_id, reason, placed_at, placed_by)
VALUES (%(batch_id)s, %(reason)s, coalesce(%(placed_at)s, now()), coalesce(%(placed_by)s, session_user))
ON CONFLICT (batch_id) DO NOTHING
