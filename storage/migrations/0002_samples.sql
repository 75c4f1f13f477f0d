-- Raw samples, the frames that brought them, and what they said before they were corrected.

CREATE TABLE sparge.frame (
    frame_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_offset bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    edge_at timestamptz,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    unit_id integer NOT NULL REFERENCES sparge.unit,
    log_id integer NOT NULL REFERENCES sparge.log,
    log_partition integer NOT NULL,
    sample_count integer NOT NULL,
    device text NOT NULL,
    sent_units jsonb NOT NULL,
    repeats integer NOT NULL DEFAULT 0,
    UNIQUE (unit_id, device, epoch, sequence)
);
CREATE INDEX frame_recorded ON sparge.frame (unit_id, recorded_at);
COMMENT ON COLUMN sparge.frame.recorded_at IS 'time of the broker; of the earliest record, where a frame was sent twice';
CREATE INDEX frame_repeated ON sparge.frame (unit_id) WHERE repeats > 0;
COMMENT ON COLUMN sparge.frame.repeats IS 'how often it came again, and was skipped';
COMMENT ON COLUMN sparge.frame.sent_units IS 'unit of each signal as the device sent it, before conversion';

CREATE TABLE sparge.device_drop (
    unit_id integer NOT NULL REFERENCES sparge.unit,
    device text NOT NULL,
    epoch bigint NOT NULL,
    from_sequence bigint NOT NULL,
    to_sequence bigint NOT NULL CHECK (to_sequence >= from_sequence),
    frame_id bigint NOT NULL REFERENCES sparge.frame,
    PRIMARY KEY (unit_id, device, epoch, from_sequence, to_sequence)
);
COMMENT ON TABLE sparge.device_drop IS 'sequence numbers, both ends included, that the device says it gave up';

-- The widest columns first, and the nullable one last: a row takes 24 + 32 bytes until it is confirmed.
CREATE TABLE sparge.sample (
    time timestamptz NOT NULL,
    value double precision NOT NULL,
    frame_id bigint NOT NULL,
    signal_id integer NOT NULL,
    status integer NOT NULL,
    confirmed_frame_id bigint
);
COMMENT ON COLUMN sparge.sample.value IS 'in the unit of the signal; NaN where it was sampled but is missing';
COMMENT ON COLUMN sparge.sample.status IS 'OPC UA status code: its 32 bits read as a signed integer';
COMMENT ON COLUMN sparge.sample.confirmed_frame_id IS
    'the latest frame that said the same, if not frame_id; a different version between the two does not win';
CREATE UNIQUE INDEX sample_signal_time ON sparge.sample (signal_id, time);

CREATE TABLE sparge.sample_superseded (
    time timestamptz NOT NULL,
    value double precision NOT NULL,
    frame_id bigint NOT NULL,
    signal_id integer NOT NULL,
    status integer NOT NULL,
    PRIMARY KEY (signal_id, time, frame_id)
);
COMMENT ON TABLE sparge.sample_superseded IS 'versions of samples that are not, or no longer, what is known';
