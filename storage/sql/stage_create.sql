CREATE TEMPORARY TABLE IF NOT EXISTS sparge_stage (
    time timestamptz NOT NULL,
    signal_id integer NOT NULL,
    key integer NOT NULL
) ON COMMIT DELETE ROWS
