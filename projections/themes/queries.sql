-- :name prepare
-- A consultation appears.
INSERT INTO consultation (slug, title, language, version) VALUES ($1, $2, $3, $4);

-- :name touch
-- A consultation's version follows its stream.
UPDATE consultation SET version = $2 WHERE slug = $1;

-- :name adopt_policies
-- The policies in force.
UPDATE consultation SET policies = $2 WHERE slug = $1;

-- :name adopt_charter
-- The charter in force.
UPDATE consultation SET charter_version = $2, charter = $3 WHERE slug = $1;

-- :name adopt_methodology
-- The methodology in force.
UPDATE consultation SET methodology = $2 WHERE slug = $1;

-- :name adopt_codebook
-- The codebook in force.
UPDATE consultation SET codebook_version = $2, codebook = $3 WHERE slug = $1;

-- :name adopt_synthesis
-- The synthesis of the consultation.
UPDATE consultation SET synthesis = $2 WHERE slug = $1;

-- :name set_phase
-- A consultation opens or closes.
UPDATE consultation SET phase = $2 WHERE slug = $1;

-- :name add_theme
-- A theme appears behind those before it.
INSERT INTO theme (consultation, id, place, title, question, opens, closes)
SELECT $1, $2, count(*), $3, $4, $5, $6 FROM theme WHERE consultation = $1;

-- :name set_theme_phase
-- A theme opens or closes.
UPDATE theme SET phase = $3 WHERE consultation = $1 AND id = $2;

-- :name extend_theme
-- A theme closes later.
UPDATE theme SET closes = $3 WHERE consultation = $1 AND id = $2;

-- :name known
-- What is known of the contributions that a batch touches.
SELECT c.id, f.state, c.topic, c.sealed, c.status, c.analysed, c.hidden_under, c.text FROM contribution AS c JOIN folded AS f ON f.id = c.id
WHERE c.id = ANY ($1::uuid[]);

-- :name record
-- Deposits of a batch, as they stand at its end.
INSERT INTO contribution (
    id, consultation, theme, day, channel, actor, language, charter, commitment, topic, sealed, status, analysed, hidden_under, text
)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::date[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bytea[], $10::text[], $11::bytea[],
    $12::text[], $13::boolean[], $14::text[], $15::text[]
);

-- :name fold
-- The states of contributions at the end of a batch.
INSERT INTO folded (id, state) SELECT * FROM unnest($1::uuid[], $2::bytea[])
ON CONFLICT (id) DO UPDATE SET state = excluded.state;

-- :name change
-- Contributions of earlier batches that are shown otherwise at the end of this one.
UPDATE contribution AS c SET status = a.status, analysed = a.analysed, hidden_under = a.hidden_under, text = a.text
FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::text[], $5::text[]) AS a (id, status, analysed, hidden_under, text)
WHERE c.id = a.id;

-- :name count
-- Move the counters of themes.
UPDATE theme AS t SET received = t.received + d.received, visible = t.visible + d.visible
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS d (consultation, id, received, visible)
WHERE t.consultation = d.consultation AND t.id = d.id;

-- :name consultations
-- Every consultation, for the catalogue.
SELECT slug, title, phase FROM consultation ORDER BY slug;

-- :name consultation
-- One consultation.
SELECT slug, title, language, phase, version, policies, charter_version, charter, methodology, codebook_version, codebook, synthesis
FROM consultation WHERE slug = $1;

-- :name themes
-- The themes of a consultation, in the order of its definition.
SELECT id, title, question, opens, closes, phase, received, visible FROM theme WHERE consultation = $1 ORDER BY place;

-- :name page_of_theme
-- One page of what the public sees, after a cursor.
SELECT id, day, text, commitment FROM contribution
WHERE consultation = $1 AND theme = $2 AND status = 'visible' AND (day, id) > ($3, $4)
ORDER BY day, id
LIMIT $5;

-- :name contribution
-- One contribution as the public may see it.
SELECT id, consultation, theme, day, status, text, hidden_under FROM contribution WHERE id = $1;

-- :name withdraw
-- Contributions of a batch that have been erased.
INSERT INTO withdrawal (id, consultation, day) SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[]);

-- :name page_of_withdrawals
-- One page of the notice of withdrawals, after a cursor.
SELECT id, day FROM withdrawal WHERE consultation = $1 AND (day, id) > ($2, $3) ORDER BY day, id LIMIT $4;

-- :name everything
-- Every contribution of a consultation in its public form, for a publication.
SELECT c.id, c.theme, c.day, c.channel, c.actor, c.language, c.charter, c.status, c.analysed, c.hidden_under, c.text, c.commitment, f.state
FROM contribution AS c JOIN folded AS f ON f.id = c.id
WHERE c.consultation = $1 ORDER BY c.id;
