-- :name prepare
-- A consultation appears.
INSERT INTO treated_consultation (slug) VALUES ($1);

-- :name adopt_readers
-- How many readings each contribution gets.
UPDATE treated_consultation SET readers = $2 WHERE slug = $1;

-- :name keep_seed
-- The sealed seed by which the readings are ordered, and the place of the event that holds it.
UPDATE treated_consultation SET version = $2, topic = $3, seed = $4 WHERE slug = $1;

-- :name consultations
-- What the queues need of each consultation.
SELECT slug, readers, version, topic, seed FROM treated_consultation;

-- :name known
-- What is known of the contributions that a batch touches.
SELECT contribution, arrival, last_at, channel, actor, language, length, contact_left, state FROM item WHERE contribution = ANY ($1::uuid[]);

-- :name write
-- Contributions as they stand at the end of a batch.
INSERT INTO item (
    contribution, consultation, theme, arrival, version, channel, actor, language, length, contact_left, last_at, state, standing, analysed,
    look, free, took_part, expires, holder, assignment, confirm_by, readings, coded, wanted, readable, round, rank, readers
)
SELECT
    a.contribution, a.consultation, a.theme, a.arrival, a.version, a.channel, a.actor, a.language, a.length, a.contact_left, a.last_at, a.state,
    a.standing, a.analysed, a.look, a.free, string_to_array(a.took_part, ' '), a.expires, a.holder, a.assignment, a.confirm_by,
    a.readings, a.coded, a.wanted, a.readable, a.round, a.rank, string_to_array(a.readers, ' ')
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::integer[], $6::text[], $7::text[], $8::text[], $9::integer[], $10::boolean[],
    $11::timestamptz[], $12::bytea[], $13::text[], $14::boolean[], $15::text[], $16::boolean[], $17::text[], $18::timestamptz[], $19::text[],
    $20::uuid[], $21::timestamptz[], $22::integer[], $23::boolean[], $24::integer[], $25::boolean[], $26::integer[], $27::bytea[], $28::text[]
) AS a (
    contribution, consultation, theme, arrival, version, channel, actor, language, length, contact_left, last_at, state, standing, analysed,
    look, free, took_part, expires, holder, assignment, confirm_by, readings, coded, wanted, readable, round, rank, readers
)
ON CONFLICT (contribution) DO UPDATE SET
    version = excluded.version, last_at = excluded.last_at, state = excluded.state, standing = excluded.standing, analysed = excluded.analysed,
    look = excluded.look, free = excluded.free, took_part = excluded.took_part, expires = excluded.expires, holder = excluded.holder,
    assignment = excluded.assignment, confirm_by = excluded.confirm_by, readings = excluded.readings, coded = excluded.coded,
    wanted = excluded.wanted, readable = excluded.readable, round = excluded.round, rank = excluded.rank, readers = excluded.readers;

-- :name end_readings
-- Readings of the contributions that a batch touches, to be written anew.
DELETE FROM reading WHERE contribution = ANY ($1::uuid[]);

-- :name begin_readings
-- Readings under way at the end of a batch.
INSERT INTO reading (assignment, contribution, consultation, reader, round, expires)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[]);

-- :name code
-- A reading is made.
INSERT INTO coding (assignment, contribution, consultation, reader, codebook, made) VALUES ($1, $2, $3, $4, $5, $6);

-- :name recode
-- A reading is coded anew.
UPDATE coding SET codebook = $2 WHERE assignment = $1;

-- :name add_steps
-- The timeline goes on.
INSERT INTO step (contribution, version, position, topic, at, actor, delay_s)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[], $7::double precision[]);

-- :name reviews
-- The first to arrive of those that are owed a look, who may not take it, and the position at which this is true.
SELECT t.position, i.contribution, i.took_part
FROM registre.tracking AS t LEFT JOIN LATERAL (
    SELECT contribution, took_part, arrival FROM item
    WHERE consultation = $1 AND look IS NOT NULL AND free
    ORDER BY arrival LIMIT $2
) AS i ON true
WHERE t.follower = 'treatment'
ORDER BY i.arrival;

-- :name reviews_for
-- The same, of those that one reviewer may look at.
SELECT t.position, i.contribution, i.took_part
FROM registre.tracking AS t LEFT JOIN LATERAL (
    SELECT contribution, took_part, arrival FROM item
    WHERE consultation = $1 AND look IS NOT NULL AND free AND NOT took_part @> ARRAY[$3::text]
    ORDER BY arrival LIMIT $2
) AS i ON true
WHERE t.follower = 'treatment'
ORDER BY i.arrival;

-- :name held_reviews
-- The contributions that reviewers hold.
SELECT holder, assignment, contribution FROM item WHERE consultation = $1 AND holder = ANY ($2::text[]) ORDER BY expires DESC, arrival;

-- :name readings
-- The first in the order of the seed of those that wait for a reading, who may not make it, and the position at which this is true.
SELECT t.position, i.contribution, i.readers
FROM registre.tracking AS t LEFT JOIN LATERAL (
    SELECT contribution, readers, round, rank FROM item
    WHERE consultation = $1 AND readable
    ORDER BY round, rank LIMIT $2
) AS i ON true
WHERE t.follower = 'treatment'
ORDER BY i.round, i.rank;

-- :name readings_for
-- The same, of those that one reader may read.
SELECT t.position, i.contribution, i.readers
FROM registre.tracking AS t LEFT JOIN LATERAL (
    SELECT contribution, readers, round, rank FROM item
    WHERE consultation = $1 AND readable AND NOT readers @> ARRAY[$3::text]
    ORDER BY round, rank LIMIT $2
) AS i ON true
WHERE t.follower = 'treatment'
ORDER BY i.round, i.rank;

-- :name held_readings
-- The readings that readers have under way.
SELECT reader, assignment, contribution FROM reading WHERE consultation = $1 AND reader = ANY ($2::text[]) ORDER BY expires DESC, assignment;

-- :name contribution_of_reading
-- The contribution behind an assignment.
SELECT contribution FROM reading WHERE assignment = $1;

-- :name next_recodings
-- A reader's own readings under earlier codebooks whose texts still count, in the order in which they were made.
SELECT c.assignment, c.contribution FROM coding AS c JOIN item AS i ON i.contribution = c.contribution
WHERE c.consultation = $1 AND c.reader = $2 AND c.codebook < $3 AND i.analysed ORDER BY c.made LIMIT $4;

-- :name contribution_of_coding
-- The contribution behind a reading that has been made.
SELECT contribution FROM coding WHERE assignment = $1;

-- :name expired_leases
-- Reviews and readings whose lease has passed.
SELECT contribution, assignment FROM item WHERE expires <= $1 AND assignment IS NOT NULL
UNION ALL
SELECT contribution, assignment FROM reading WHERE expires <= $1
LIMIT 1000;

-- :name unconfirmed
-- Removals that nobody has confirmed in time.
SELECT contribution FROM item WHERE confirm_by <= $1 LIMIT 1000;

-- :name coverage
-- How much of a theme has been read, and at which position.
SELECT count(*) FILTER (WHERE i.analysed AND i.readings >= i.wanted) AS read, count(*) FILTER (WHERE i.analysed) AS analysed,
    (SELECT position FROM registre.tracking WHERE follower = 'treatment') AS seen
FROM item AS i WHERE i.consultation = $1 AND i.theme = $2;

-- :name outstanding_readings
-- Contributions that lack a reading, or whose moderation is not settled, and the position at which this is true.
SELECT count(*) AS outstanding, (SELECT position FROM registre.tracking WHERE follower = 'treatment') AS seen
FROM item WHERE consultation = $1 AND (standing = 'pending' OR (analysed AND readings < wanted));

-- :name counts
-- Where the contributions of each theme stand, and the position at which this is true; a row without a theme where there is none.
-- What proposals rest on is known to the outcomes, which may have come less far.
SELECT t.position AS seen, c.*
FROM registre.tracking AS t LEFT JOIN LATERAL (
    SELECT i.theme, count(*) AS received,
        count(*) FILTER (WHERE i.standing = 'visible') AS visible,
        count(*) FILTER (WHERE i.standing = 'withheld') AS withheld,
        count(*) FILTER (WHERE i.standing = 'withdrawn') AS withdrawn,
        count(*) FILTER (WHERE i.standing = 'pending') AS pending,
        count(*) FILTER (WHERE i.readings >= 1) AS read_once,
        count(*) FILTER (WHERE i.analysed AND i.readings >= i.wanted) AS read_enough,
        count(*) FILTER (WHERE i.coded) AS coded,
        count(l.contribution) AS linked,
        count(*) FILTER (WHERE l.decided) AS arbitrated
    FROM item AS i LEFT JOIN (
        SELECT k.contribution, bool_or(p.status = 'decided') AS decided FROM link AS k JOIN proposal AS p ON p.id = k.proposal
        WHERE p.consultation = $1 GROUP BY k.contribution
    ) AS l ON l.contribution = i.contribution
    WHERE i.consultation = $1 GROUP BY i.theme
) AS c ON true
WHERE t.follower = 'treatment'
ORDER BY c.theme;

-- :name timeline
-- Every step of a contribution.
SELECT position, version, topic, at, actor, delay_s FROM step WHERE contribution = $1 ORDER BY version;
