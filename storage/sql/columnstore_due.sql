-- Chunks past the horizon that are rows, or that late rows have come into since (status 8: partial, 2: unordered).
SELECT format('%%I.%%I', c.schema_name, c.table_name)
FROM timescaledb_information.chunks AS i
JOIN _timescaledb_catalog.chunk AS c ON c.schema_name = i.chunk_schema AND c.table_name = i.chunk_name
WHERE i.hypertable_schema = 'sparge'
    AND i.hypertable_name IN ('sample', 'sample_1s', 'sample_1m')
    AND i.range_end < to_timestamp(%(now_s)s) - sparge.late_after()
    AND (NOT i.is_compressed OR c.status & 10 <> 0)
ORDER BY i.range_end
