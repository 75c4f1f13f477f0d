-- Chunks of a day where TimescaleDB is installed; the same tables, plain, where it is not.

DO $$
DECLARE
    extension_schema name;
    target record;
BEGIN
    SELECT n.nspname INTO extension_schema
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR target IN
        SELECT * FROM (VALUES ('sample', 'time'), ('score', 'time'), ('forecast', 'made_at')) AS t (name, dimension)
    LOOP
        EXECUTE format(
            'SELECT %I.create_hypertable(%L::regclass, %L::name,'
            ' chunk_time_interval => interval ''1 day'', create_default_indexes => FALSE)',
            extension_schema, 'sparge.' || target.name, target.dimension
        );
    END LOOP;
END
$$;
