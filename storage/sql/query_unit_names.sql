SELECT site, unit FROM sparge.units ORDER BY site, unit
