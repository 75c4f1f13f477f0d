-- Only the community edition knows these options, so it is asked for them by the job and not by a migration.
DO $$
DECLARE
    target name;
BEGIN
    FOREACH target IN ARRAY ARRAY['sample', 'sample_1s', 'sample_1m'] LOOP
        IF NOT EXISTS (
            SELECT FROM timescaledb_information.hypertables
            WHERE hypertable_schema = 'sparge' AND hypertable_name = target AND compression_enabled
        ) THEN
            EXECUTE format(
                'ALTER TABLE sparge.%I SET (timescaledb.compress, timescaledb.compress_segmentby = ''signal_id'','
                ' timescaledb.compress_orderby = ''time'')',
                target
            );
        END IF;
    END LOOP;
END
$$
