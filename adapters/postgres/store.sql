-- :name append_batch
-- Append what queued up, in one transaction and one round trip.
SELECT request, first_position, moved FROM registre.append_batch(
    $1::integer[], $2::uuid[], $3::integer[], $4::text[], $5::bytea[], $6::text[], $7::bytea[], $8::integer[], $9::uuid[], $10::integer[]
);

-- :name stream
-- The events of one stream between two versions, the first ones where not all are wanted.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE stream = $1 AND version > $2 AND version <= $3
ORDER BY version
LIMIT $4;

-- :name latest_of_stream
-- The same from the end.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE stream = $1 AND version > $2 AND version <= $3
ORDER BY version DESC
LIMIT $4;

-- :name page
-- The events after a position, in order: keyset, so that every page costs the same.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE position > $1 AND position <= $2
ORDER BY position
LIMIT $3;

-- :name page_of_consultation
-- The same, of one consultation.
SELECT position, stream, version, topic, state, consultation, recorded_at FROM registre.events
WHERE consultation = $4 AND position > $1 AND position <= $2
ORDER BY position
LIMIT $3;

-- :name page_of_topics
-- The same, of some topics (of one consultation, or of all): the first of each, merged, so that a rare topic is found by its index.
SELECT e.position, e.stream, e.version, e.topic, e.state, e.consultation, e.recorded_at
FROM unnest($4::text[]) AS t (topic) CROSS JOIN LATERAL (
    SELECT * FROM registre.events AS o
    WHERE o.topic = t.topic AND o.position > $1 AND o.position <= $2 AND ($5::text IS NULL OR o.consultation = $5)
    ORDER BY o.position
    LIMIT $3
) AS e
ORDER BY e.position
LIMIT $3;

-- :name head
-- The last position.
SELECT position FROM registre.head;

-- :name position_at
-- The last position recorded at or before a moment.
SELECT coalesce((SELECT position FROM registre.events WHERE recorded_at <= $1 ORDER BY recorded_at DESC, position DESC LIMIT 1), 0);
