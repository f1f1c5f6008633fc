-- :name latest
-- The latest document of a consultation for an audience.
SELECT position, document FROM registre.measured WHERE consultation = $1 AND audience = $2 ORDER BY position DESC LIMIT 1;

-- :name at
-- The document at a position, when it has been computed by the present version.
SELECT position, document FROM registre.measured WHERE consultation = $1 AND audience = $2 AND position = $3 AND version = $4;

-- :name keep
-- A document; one of an older version gives way.
INSERT INTO registre.measured AS m (consultation, position, audience, version, asked, document) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (consultation, audience, position) DO UPDATE
SET version = excluded.version, asked = m.asked OR excluded.asked, document = excluded.document;

-- :name forget
-- Documents that nobody asked for by their position, overtaken by a later one.
DELETE FROM registre.measured WHERE consultation = $1 AND position < $2 AND NOT asked;

-- :name forget_asked
-- Documents of the past beyond so many of the latest positions, but the one just kept.
DELETE FROM registre.measured WHERE consultation = $1 AND audience = $2 AND asked AND position <> $3 AND position <= (
    SELECT position FROM registre.measured WHERE consultation = $1 AND audience = $2 AND asked ORDER BY position DESC OFFSET $4 LIMIT 1
);

-- :name want
-- Ask for a position of the past, unless as many are asked for already as are answered in a reasonable time. What stands aside does not count.
INSERT INTO registre.measures_wanted (consultation, position)
SELECT $1, $2 WHERE (SELECT count(*) FROM registre.measures_wanted WHERE asked_at <= clock_timestamp()) < $3
ON CONFLICT DO NOTHING;

-- :name awaited
-- Whether a position that has been asked for is going to be computed, or stands aside; no row where it has not been asked for.
SELECT asked_at <= clock_timestamp() FROM registre.measures_wanted WHERE consultation = $1 AND position = $2;

-- :name next_wanted
-- The first that was asked for.
SELECT consultation, position FROM registre.measures_wanted WHERE asked_at <= clock_timestamp() ORDER BY asked_at LIMIT 1;

-- :name answered
-- It has been computed.
DELETE FROM registre.measures_wanted WHERE consultation = $1 AND position = $2;

-- :name begun
-- It is being computed. Should that be the end of whoever computes, the others come first.
UPDATE registre.measures_wanted SET asked_at = clock_timestamp() WHERE consultation = $1 AND position = $2;

-- :name aside
-- It cannot be computed, and stands aside for a while.
UPDATE registre.measures_wanted SET asked_at = clock_timestamp() + $3::interval WHERE consultation = $1 AND position = $2;

-- :name moved
-- Consultations whose latest document is behind their latest event, or of another version.
SELECT c.slug, l.position
FROM treated_consultation AS c
CROSS JOIN LATERAL (SELECT position FROM registre.events WHERE consultation = c.slug ORDER BY position DESC LIMIT 1) AS l
LEFT JOIN LATERAL (
    SELECT position, version FROM registre.measured WHERE consultation = c.slug AND audience = 'internal' ORDER BY position DESC LIMIT 1
) AS m ON true
WHERE m.position IS NULL OR m.position < l.position OR m.version <> $1;

-- :name last_before
-- The last event of a consultation at or before a position.
SELECT position FROM registre.events WHERE consultation = $1 AND position <= $2 ORDER BY position DESC LIMIT 1;

-- :name consultations
-- Every consultation of the log.
SELECT consultation FROM registre.events WHERE topic = ANY ($1::text[]) ORDER BY position;
