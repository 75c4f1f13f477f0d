COPY pg_temp.sparge_stage (time, signal_id, key) FROM STDIN (FORMAT BINARY)
