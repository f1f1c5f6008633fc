-- :name keep
-- Keep likenesses, but those of streams that have been destroyed; those that are there already stay as they are.
SELECT keyring.keep_likenesses($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[], $5::uuid[], $6::bigint[]);

-- :name alike
-- Of each bucket that a text stands in, the first to arrive before it.
SELECT DISTINCT q.number, l.arrival, l.stream, l.digest, l.signature
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS q (number, arrival, value)
CROSS JOIN LATERAL (
    SELECT b.stream FROM keyring.bucket AS b WHERE b.value = q.value AND b.arrival < q.arrival ORDER BY b.arrival LIMIT $4
) AS c
JOIN keyring.likeness AS l USING (stream)
ORDER BY q.number, l.arrival;

-- :name latest
-- The last deposit whose likeness is kept, 0 where there is none.
SELECT coalesce(max(arrival), 0) FROM keyring.likeness;
