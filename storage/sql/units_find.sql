SELECT key, unit_id FROM sparge.unit WHERE key = ANY(%(keys)s::text[])
