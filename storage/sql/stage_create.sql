CREATE TEMPORARY TABLE IF NOT EXISTS sparge_stage (
    time timestamptz NOT NULL,
    value double precision NOT NULL,
    frame_id bigint NOT NULL,
    signal_id integer NOT NULL,
    status integer NOT NULL,
    place integer NOT NULL
) ON COMMIT DELETE ROWS
