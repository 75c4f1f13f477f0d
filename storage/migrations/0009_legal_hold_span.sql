-- A legal hold keeps whatever its batch has ever covered: an event that moves the batch's bounds takes nothing out of it.

ALTER TABLE sparge.legal_hold ADD COLUMN kept_from timestamptz;
ALTER TABLE sparge.legal_hold ADD COLUMN kept_until timestamptz;
COMMENT ON COLUMN sparge.legal_hold.kept_from IS
    'kept besides the span that the batch has now: the earliest start that was ever said of it; only ever widened';
COMMENT ON COLUMN sparge.legal_hold.kept_until IS 'likewise, the latest end';

CREATE FUNCTION sparge.legal_hold_place() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    -- An event that moves the batch waits until the hold is committed, and widens it then.
    PERFORM FROM sparge.batch WHERE batch_id = NEW.batch_id FOR SHARE;
    SELECT least(NEW.kept_from, min(e.time)), greatest(NEW.kept_until, max(e.time))
    INTO NEW.kept_from, NEW.kept_until
    FROM sparge.batch_event AS e
    WHERE e.batch_id = NEW.batch_id AND e.event IN ('start', 'end');
    RETURN NEW;
END
$$;
CREATE TRIGGER legal_hold_place BEFORE INSERT ON sparge.legal_hold
    FOR EACH ROW EXECUTE FUNCTION sparge.legal_hold_place();

CREATE FUNCTION sparge.legal_hold_widen() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    -- A batch that ran without an end has covered what came until now, and not what the next ones will bring.
    UPDATE sparge.legal_hold
    SET kept_from = least(kept_from, OLD.started_at),
        kept_until = greatest(kept_until, CASE WHEN OLD.until = 'infinity' THEN now() ELSE OLD.until END)
    WHERE batch_id = OLD.batch_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER legal_hold_widen AFTER UPDATE OF started_at, until ON sparge.batch
    FOR EACH ROW
    WHEN ((OLD.started_at, OLD.until) IS DISTINCT FROM (NEW.started_at, NEW.until))
    EXECUTE FUNCTION sparge.legal_hold_widen();

UPDATE sparge.legal_hold AS h
SET kept_from = said.first, kept_until = said.last
FROM (
    SELECT batch_id, min(time) AS first, max(time) AS last
    FROM sparge.batch_event
    WHERE event IN ('start', 'end')
    GROUP BY batch_id
) AS said
WHERE said.batch_id = h.batch_id;
