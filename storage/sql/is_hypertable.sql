SELECT EXISTS (
    SELECT FROM timescaledb_information.hypertables
    WHERE hypertable_schema = 'sparge' AND hypertable_name = 'sample'
)
