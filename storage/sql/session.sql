SELECT set_config('TimeZone', 'UTC', FALSE),
       set_config('client_min_messages', 'warning', FALSE),
       set_config('statement_timeout', %(statement_ms)s, FALSE),
       set_config('lock_timeout', %(lock_ms)s, FALSE),
       set_config('idle_in_transaction_session_timeout', %(idle_ms)s, FALSE)
