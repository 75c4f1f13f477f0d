-- Where a signal and time have no row yet, any staged version will do: stage_settle decides between several.
-- In one order, as the COPY does, so that two writers wait for each other and do not lock each other out.
INSERT INTO sparge.sample (time, value, frame_id, signal_id, status)
SELECT DISTINCT ON (signal_id, time) time, value, frame_id, signal_id, status
FROM pg_temp.sparge_stage
ORDER BY signal_id, time
ON CONFLICT (signal_id, time) DO NOTHING
