-- :name append_batch
-- Append what queued up, in one transaction and one round trip.
SELECT request, first_position, moved FROM registre.append_batch(
    $1::integer[], $2::uuid[], $3::integer[], $4::text[], $5::bytea[], $6::text[], $7::bytea[], $8::integer[], $9::uuid[], $10::integer[]
);

-- :name append_one
-- Append the only event that waits.
SELECT registre.append_one($1, $2, $3, $4, $5, $6);

-- :name stream
-- The events of one stream between two versions, the first ones where not all are wanted.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE stream = $1 AND version > $2 AND version <= $3
ORDER BY version
LIMIT $4;

-- :name streams
-- All events of several streams.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE stream = ANY ($1::uuid[])
ORDER BY stream, version;

-- :name latest_of_stream
-- The same from the end.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE stream = $1 AND version > $2 AND version <= $3
ORDER BY version DESC
LIMIT $4;

-- :name page
-- The events after a position, in order: keyset, so that every page costs the same. Bounded by their number too, as there is no gap: whatever
-- the planner believes, no plan reads more than the page.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE position > $1 AND position <= least($2::bigint, greatest($1, 0) + $3::bigint)
ORDER BY position
LIMIT $3;

-- :name page_of_consultation
-- The same, of one consultation. Compared as pairs, so that only its own index gives the order: by positions alone a planner that takes it
-- for a common one would walk the whole log.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE (consultation, position) > ($4, $1) AND (consultation, position) <= ($4, $2)
ORDER BY consultation, position
LIMIT $3;

-- :name page_of_topics
-- The same, of some topics: the first of each, merged, so that a rare topic is found by its index.
SELECT e.position, e.stream, e.version, e.topic, e.state, e.consultation, e.recorded_at
FROM (SELECT DISTINCT unnest($4::text[]) AS topic) AS t CROSS JOIN LATERAL (
    SELECT * FROM registre.events AS o
    WHERE (o.topic, o.position) > (t.topic, $1) AND (o.topic, o.position) <= (t.topic, $2)
    ORDER BY o.topic, o.position
    LIMIT $3
) AS e
ORDER BY e.position
LIMIT $3;

-- :name page_of_topics_in_consultation
-- The same, of some topics in one consultation: looked for among the consultation's next events, four pages of them; only where these are
-- not enough and not all, by the topics. Whichever of the two is rare, its index finds it.
WITH near AS MATERIALIZED (
    SELECT * FROM registre.events
    WHERE (consultation, position) > ($5, $1) AND (consultation, position) <= ($5, $2)
    ORDER BY consultation, position
    LIMIT 4 * $3::bigint
), fit AS MATERIALIZED (
    SELECT * FROM near WHERE topic = ANY ($4::text[]) LIMIT $3
), further AS MATERIALIZED (
    SELECT (SELECT count(*) FROM fit) < $3 AND (SELECT count(*) FROM near) = 4 * $3 AS needed
), found AS (
    SELECT * FROM fit WHERE NOT (SELECT needed FROM further)
    UNION ALL
    SELECT e.*
    FROM (SELECT DISTINCT unnest($4::text[]) AS topic) AS t CROSS JOIN LATERAL (
        SELECT * FROM registre.events AS o
        WHERE (o.topic, o.position) > (t.topic, $1) AND (o.topic, o.position) <= (t.topic, $2) AND o.consultation = $5
        ORDER BY o.topic, o.position
        LIMIT $3
    ) AS e
    WHERE (SELECT needed FROM further)
)
SELECT position, stream, version, topic, state, consultation, recorded_at FROM found ORDER BY position LIMIT $3;

-- :name head
-- The last position.
SELECT position FROM registre.head;

-- :name position_at
-- The last position recorded at or before a moment.
SELECT registre.position_at($1);
