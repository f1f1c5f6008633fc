-- :name known
-- The contributions that a batch touches.
SELECT id, state FROM analysed_contribution WHERE id = ANY ($1::uuid[]);

-- :name write
-- Contributions as they stand at the end of a batch.
INSERT INTO analysed_contribution AS c (id, consultation, theme, analysed, state, codes, complete)
SELECT a.id, a.consultation, a.theme, a.analysed, a.state, string_to_array(a.codes, ' '), a.complete
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::bytea[], $6::text[], $7::boolean[])
    AS a (id, consultation, theme, analysed, state, codes, complete)
ON CONFLICT (id) DO UPDATE SET
    analysed = excluded.analysed, state = excluded.state, codes = excluded.codes, complete = excluded.complete;

-- :name adopt_readers
-- How many readings each contribution of a consultation gets.
INSERT INTO read_consultation (slug, readers) VALUES ($1, $2) ON CONFLICT (slug) DO UPDATE SET readers = excluded.readers;

-- :name readers
-- The same, of every consultation.
SELECT slug, readers FROM read_consultation;

-- :name convene
-- A meeting of the committee.
INSERT INTO meeting (consultation, id, day) VALUES ($1, $2, $3);

-- :name promise
-- A commitment, behind those before it.
INSERT INTO commitment (consultation, id, place, text, due)
SELECT $1, $2, count(*), $3, $4 FROM commitment WHERE consultation = $1;

-- :name keep
-- A commitment is kept.
UPDATE commitment SET kept_on = $3, evidence = $4 WHERE consultation = $1 AND id = $2;

-- :name draft
-- A proposal appears.
INSERT INTO proposal (id, consultation, theme, version, title, text) VALUES ($1, $2, $3, $4, $5, $6);

-- :name touch
-- The versions of proposals follow their streams.
UPDATE proposal AS p SET version = a.version FROM unnest($1::uuid[], $2::integer[]) AS a (id, version) WHERE p.id = a.id;

-- :name revise
-- A proposal says something else.
UPDATE proposal SET title = $2, text = $3 WHERE id = $1;

-- :name link
-- A proposal rests on a contribution.
INSERT INTO link (proposal, contribution) VALUES ($1, $2);

-- :name unlink
-- A proposal no longer rests on a contribution.
DELETE FROM link WHERE proposal = $1 AND contribution = $2;

-- :name submit
-- A proposal is before the committee, and public from then on.
UPDATE proposal SET status = 'before-committee', meeting = $2, public = true WHERE id = $1;

-- :name advise
-- The committee has given its opinion.
UPDATE proposal SET status = 'advised', favourable = $2, opinion = $3 WHERE id = $1;

-- :name arbitrate
-- A proposal is decided.
UPDATE proposal SET status = 'decided', outcome = $2, motive = $3, coverage = $4, why_not_waited = $5 WHERE id = $1;

-- :name report
-- Progress of a proposal.
INSERT INTO progress (proposal, version, day, text) VALUES ($1, $2, $3, $4);

-- :name proposals
-- A page of proposals with the number of contributions that each rests on.
SELECT p.*, (SELECT count(*) FROM link AS l WHERE l.proposal = p.id) AS links FROM proposal AS p
WHERE p.consultation = $1 AND p.id > $2 AND (p.public OR $4) ORDER BY p.id LIMIT $3;

-- :name proposal
-- One proposal.
SELECT p.*, (SELECT count(*) FROM link AS l WHERE l.proposal = p.id) AS links FROM proposal AS p WHERE p.id = $1 AND (p.public OR $2);

-- :name progress
-- Progress of several proposals.
SELECT proposal, day, text FROM progress WHERE proposal = ANY ($1::uuid[]) ORDER BY proposal, version;

-- :name commitments
-- What was promised, in the order of its definition.
SELECT id, text, due, kept_on, evidence FROM commitment WHERE consultation = $1 ORDER BY place;

-- :name coded
-- A page of contributions under analysis whose readings have all been made, with their codes.
SELECT id, theme, codes FROM analysed_contribution
WHERE consultation = $1 AND analysed AND complete AND ($2::text IS NULL OR theme = $2) AND ($3::text IS NULL OR codes @> ARRAY[$3::text]) AND id > $4
ORDER BY id LIMIT $5;

-- :name contribution
-- One contribution's codes, once all its readings have been made: no reader learns what another found.
SELECT id, CASE WHEN complete THEN codes ELSE '{}' END AS codes FROM analysed_contribution WHERE id = $1;

-- :name proposals_of
-- The proposals that rest on a contribution.
SELECT p.id, p.title, p.status, p.favourable, p.opinion, p.outcome, p.motive FROM proposal AS p JOIN link AS l ON l.proposal = p.id
WHERE l.contribution = $1 AND p.public ORDER BY p.id;

-- :name all_proposals
-- Every public proposal of a consultation, for a publication.
SELECT p.*, (SELECT count(*) FROM link AS l WHERE l.proposal = p.id) AS links FROM proposal AS p WHERE p.consultation = $1 AND p.public ORDER BY p.id;

-- :name all_links
-- Every link of a public proposal, for a publication.
SELECT l.proposal, l.contribution FROM link AS l JOIN proposal AS p ON p.id = l.proposal WHERE p.consultation = $1 AND p.public ORDER BY l.proposal, l.contribution;

-- :name all_codes
-- The codes of every contribution of a consultation whose readings have all been made, for a publication.
SELECT id, codes FROM analysed_contribution WHERE consultation = $1 AND analysed AND complete ORDER BY id;

-- :name all_meetings
-- Every meeting of a consultation, for a publication.
SELECT id, day FROM meeting WHERE consultation = $1 ORDER BY id;
