COPY sparge.score (time, result_id, value, expected, score, signal_id, suspect, learned) FROM STDIN (FORMAT BINARY)
