-- :name tracked
-- How far a follower has come, and by which version of its code.
SELECT position, version FROM registre.tracking WHERE follower = $1;

-- :name begin
-- Start a follower at the beginning of the log.
INSERT INTO registre.tracking (follower, version, position) VALUES ($1, $2, 0)
ON CONFLICT (follower) DO UPDATE SET version = excluded.version, position = 0;

-- :name advance
-- Move a follower forward, inside the transaction that holds its effects; no row when another has moved it meanwhile.
UPDATE registre.tracking SET position = $3 WHERE follower = $1 AND position = $2 RETURNING position;

-- :name told
-- Say that a follower has moved: whoever waits for it looks again after the commit.
SELECT pg_notify('registre_tracking', $1);

-- :name hurry
-- Ask followers that let writers go first to go on: somebody waits for what they make, up to a position.
SELECT pg_notify('registre_awaited', $1::bigint::text);

-- :name search
-- Decide for this transaction which schema unqualified names mean.
SELECT set_config('search_path', $1, true);

-- :name create
-- A schema for a read model.
SELECT registre.create_read_model($1);

-- :name drop
-- Remove a read model and its tracking.
SELECT registre.drop_read_model($1);

-- :name hold
-- Where the read model in service stands; it moves no further until this transaction ends.
SELECT position FROM registre.tracking WHERE follower = $1 FOR UPDATE;

-- :name swap
-- Put a freshly built read model in service, and the one that was under another name.
SELECT registre.swap_read_model($1, $2, $3);

-- :name leftovers
-- Schemas that a process left behind when it was killed while building.
SELECT nspname FROM pg_namespace WHERE nspname ~ '^(scratch_[0-9a-f]{16}|(themes|treatment|outcomes|publications)_next)$';

-- :name claim
-- Hold a name as long as this session lasts; false when another session holds it.
SELECT pg_try_advisory_lock(hashtextextended($1, 0));

-- :name unclaim
-- Give back every name that this session holds.
SELECT pg_advisory_unlock_all();

-- :name unclaimed
-- Whether no session holds a name; if so, this transaction does.
SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0));

-- :name exists
-- Whether a read model is there.
SELECT to_regnamespace($1) IS NOT NULL;

-- :name tables
-- The tables of a read model.
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY c.relname;

-- :name rows
-- Every row of a table, rendered and sorted.
SELECT * FROM registre.rows_of($1, $2);

-- :name json_rows
-- Every row of a table as JSON.
SELECT * FROM registre.json_rows_of($1, $2);

-- :name patient
-- Let this session's statements wait without end: whoever stands by to be elected waits as long as the elected one lives.
SET statement_timeout = 0;

-- :name lock
-- Be elected for a task, or wait until whoever holds it is gone.
SELECT pg_advisory_lock(hashtextextended($1, 0));

-- :name alive
-- Whether the connection that holds a lock still stands.
SELECT 1;
