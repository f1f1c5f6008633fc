-- :name insert_keys
-- Keep the keys of every stream that has not been destroyed, and name the streams that have; NULL for a retired key-encryption key.
SELECT keyring.insert_keys($1, $2::uuid[], $3::uuid[], $4::bytea[]);

-- :name fetch_keys
-- Those of the keys that are still there.
SELECT id, stream, kek, wrapped FROM keyring.key WHERE id = ANY ($1::uuid[]);

-- :name destroy_keys
-- Destroy every key of a stream, refuse new ones, and count those that went.
SELECT keyring.destroy_keys($1);

-- :name destroyed_among
-- Those of the streams that have been destroyed.
SELECT stream FROM keyring.destroyed WHERE stream = ANY ($1::uuid[]);

-- :name destroyed_streams
-- Every destroyed stream, in order.
SELECT stream FROM keyring.destroyed ORDER BY stream;

-- :name under_keks
-- A batch of the keys wrapped under any of some key-encryption keys, in order of id, after one id.
SELECT id, kek, wrapped FROM keyring.key WHERE id > $1 AND kek = ANY ($2::bytea[]) ORDER BY id LIMIT $3;

-- :name rewrap_keys
-- Wrap keys anew where they are still wrapped as they were, and count them.
SELECT keyring.rewrap_keys($1, $2::uuid[], $3::bytea[], $4::bytea[]);

-- :name retire_keks
-- Have nothing more wrapped under these key-encryption keys.
SELECT keyring.retire_keks($1::bytea[]);

-- :name keys_by_kek
-- How many keys each key-encryption key wraps.
SELECT kek, count(*) AS keys FROM keyring.key GROUP BY kek ORDER BY kek;

-- :name retired
-- Whether a key-encryption key has been retired.
SELECT EXISTS (SELECT FROM keyring.retired WHERE kek = $1);
