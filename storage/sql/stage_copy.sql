COPY pg_temp.sparge_stage (time, value, frame_id, signal_id, status) FROM STDIN (FORMAT BINARY)
