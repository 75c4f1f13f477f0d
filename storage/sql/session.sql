-- work_mem: a batch is ranked in memory; there are few connections of ours, and each sorts one thing at a time.
-- read committed: a sample that another writer has just committed must be visible to the next statement.
-- jit: compiling takes longer than any query of ours that it would speed up.
-- default_statistics_target: all that we analyse is a staged batch, of which its size is what matters.
-- max_tuples_decompressed: a batch of late rows may meet more of a compressed chunk than TimescaleDB opens by itself; 0 is
-- without a bound, and a server without TimescaleDB only remembers the word.
SELECT set_config('TimeZone', 'UTC', FALSE),
       set_config('client_min_messages', 'warning', FALSE),
       set_config('default_transaction_isolation', 'read committed', FALSE),
       set_config('work_mem', '64MB', FALSE),
       set_config('jit', 'off', FALSE),
       set_config('default_statistics_target', '10', FALSE),
       set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', FALSE),
       set_config('statement_timeout', %(statement_ms)s, FALSE),
       set_config('lock_timeout', %(lock_ms)s, FALSE),
       set_config('idle_in_transaction_session_timeout', %(idle_ms)s, FALSE)
