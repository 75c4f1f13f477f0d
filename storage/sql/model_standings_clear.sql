DELETE FROM sparge.model_standing
