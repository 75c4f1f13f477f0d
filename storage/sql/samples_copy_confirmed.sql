COPY sparge.sample (time, value, frame_id, signal_id, status, confirmed_frame_id) FROM STDIN (FORMAT BINARY)
