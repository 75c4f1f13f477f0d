COPY sparge.dirty_span (unit_id, first, last) FROM STDIN (FORMAT BINARY)
