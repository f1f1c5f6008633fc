-- :name old_keys
-- Keys that have been there so long that the event which needs them is recorded, if it ever was; those of one stream together.
SELECT id, stream FROM keyring.key WHERE created_at < now() - make_interval(secs => $1) ORDER BY stream, id;

-- :name reap
-- Remove keys that no event needs, and count them.
WITH gone AS (
    DELETE FROM keyring.key WHERE id = ANY ($1::uuid[]) AND created_at < now() - make_interval(secs => $2) RETURNING id
)
SELECT count(*) FROM gone;
