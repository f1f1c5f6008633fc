"""PostgreSQL: the event store, tracking, the keyring, migrations; all SQL in named .sql files."""
