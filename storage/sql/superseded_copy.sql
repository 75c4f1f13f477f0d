COPY sparge.sample_superseded (time, value, frame_id, signal_id, status, replaced_at) FROM STDIN (FORMAT BINARY)
