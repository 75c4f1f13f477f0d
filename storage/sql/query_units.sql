SELECT site, unit, first_seen, last_recorded, repeated_frames, signals FROM sparge.units ORDER BY site, unit
