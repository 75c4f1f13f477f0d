SELECT site, unit, first_seen, last_recorded, signals FROM sparge.units ORDER BY site, unit
