SELECT model_id FROM sparge.model WHERE name = %(name)s AND version = %(version)s AND digest = %(digest)s
