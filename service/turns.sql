-- :name hurry
-- A turn that a crash forgets is found again in the log: this transaction need not wait for the disk.
SET LOCAL synchronous_commit = off;

-- :name begin
-- Somebody's first turn at a queue.
INSERT INTO registre.turn (consultation, kind, holder) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- :name lock
-- What somebody took last; until this transaction ends nobody takes for them.
SELECT assignment, contribution FROM registre.turn WHERE consultation = $1 AND kind = $2 AND holder = $3 FOR UPDATE;

-- :name take
-- What somebody has taken now.
UPDATE registre.turn SET assignment = $4, contribution = $5 WHERE consultation = $1 AND kind = $2 AND holder = $3;
