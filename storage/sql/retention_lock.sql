-- Whoever places a hold waits until the drop under way is done; every hold that was placed before it is seen.
LOCK TABLE sparge.legal_hold IN SHARE MODE
