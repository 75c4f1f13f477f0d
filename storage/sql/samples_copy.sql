COPY sparge.sample (time, value, frame_id, signal_id, status) FROM STDIN (FORMAT BINARY)
