-- :name begin
-- One deal at a time at a queue, whatever the process; until this transaction ends nobody else deals there. What a crash makes it forget is found
-- again in the log: it need not wait for the disk.
SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(hashtextextended('queue ' || $2 || ' ' || $1, 0));

-- :name last
-- What people took last.
SELECT holder, assignment, contribution FROM registre.turn
WHERE consultation = $1 AND kind = $2 AND holder = ANY ($3::text[]) AND assignment IS NOT NULL;

-- :name seen
-- How far the read model of the queues has come.
SELECT position FROM registre.tracking WHERE follower = 'treatment';

-- :name take
-- What people have taken now.
INSERT INTO registre.turn (consultation, kind, holder, assignment, contribution)
SELECT $1, $2, * FROM unnest($3::text[], $4::uuid[], $5::uuid[])
ON CONFLICT (consultation, kind, holder) DO UPDATE SET assignment = excluded.assignment, contribution = excluded.contribution;
