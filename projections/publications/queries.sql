-- :name prepare
-- A bundle is prepared.
INSERT INTO publication (id, consultation, kind, position, digest, prepared_on, seen) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- :name publish
-- A bundle is published: the public sees it from then on.
UPDATE publication SET status = 'published', public = true, location = $2 WHERE id = $1;

-- :name supersede
-- Another bundle takes its place.
UPDATE publication SET status = 'superseded', superseded_by = $2, reason = $3 WHERE id = $1;

-- :name publications
-- The publications of a consultation, latest first.
SELECT id, consultation, kind, position, encode(digest, 'hex'), prepared_on, status, location, superseded_by, reason
FROM publication WHERE consultation = $1 AND (public OR $2) ORDER BY position DESC, id;

-- :name publication
-- One publication.
SELECT id, consultation, kind, position, encode(digest, 'hex'), prepared_on, status, location, superseded_by, reason
FROM publication WHERE id = $1 AND (public OR $2);
