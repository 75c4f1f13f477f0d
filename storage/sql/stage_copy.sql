COPY pg_temp.sparge_stage (time, value, frame_id, signal_id, status, place) FROM STDIN (FORMAT BINARY)
