-- :name insert_keys
-- Keep the keys of every stream that has not been destroyed, and name the streams that have.
SELECT keyring.insert_keys($1::uuid[], $2::uuid[], $3::bytea[]);

-- :name fetch_keys
-- Those of the keys that are still there.
SELECT id, stream, secret FROM keyring.key WHERE id = ANY ($1::uuid[]);

-- :name destroy_keys
-- Destroy every key of a stream, refuse new ones, and count those that went.
SELECT keyring.destroy_keys($1);

-- :name destroyed_among
-- Those of the streams that have been destroyed.
SELECT stream FROM keyring.destroyed WHERE stream = ANY ($1::uuid[]);

-- :name destroyed_streams
-- Every destroyed stream, in order.
SELECT stream FROM keyring.destroyed ORDER BY stream;
