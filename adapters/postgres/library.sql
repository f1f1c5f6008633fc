-- :name append_tracked
-- Append events and move a follower, both or neither.
SELECT first_position, moved FROM registre.append_tracked($1::uuid[], $2::integer[], $3::text[], $4::bytea[], $5::text[], $6::bytea[], $7, $8);

-- :name track
-- Move a follower forward.
SELECT registre.track($1, $2);

-- :name tracked
-- How far a follower has come.
SELECT position FROM registre.tracking WHERE follower = $1;

-- :name insert_snapshots
-- Keep snapshots of a purpose.
INSERT INTO registre.snapshot (purpose, stream, version, topic, state)
SELECT $1, s.* FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::bytea[]) AS s;

-- :name snapshots
-- The snapshots of one stream between two versions, the first ones where not all are wanted.
SELECT stream, version, topic, state FROM registre.snapshot
WHERE purpose = $1 AND stream = $2 AND version > $3 AND version <= $4
ORDER BY version
LIMIT $5;

-- :name latest_snapshots
-- The same from the end.
SELECT stream, version, topic, state FROM registre.snapshot
WHERE purpose = $1 AND stream = $2 AND version > $3 AND version <= $4
ORDER BY version DESC
LIMIT $5;
