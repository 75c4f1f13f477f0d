SELECT body FROM sparge.model_event ORDER BY time, event_id COLLATE "C"
