-- A signal and time is staged once: a memory of what was looked up before, which the planner likes, only costs.
SELECT set_config('enable_memoize', 'off', TRUE);
TRUNCATE pg_temp.sparge_stage
