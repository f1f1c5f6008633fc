-- :name bare
-- A table without a key: the least that a durable INSERT can cost.
CREATE TABLE bare (payload text NOT NULL);

-- :name insert_bare
-- One row, one transaction.
INSERT INTO bare (payload) VALUES ($1);

-- :name lives
-- The events of some lives of contributions, from which the log is filled.
CREATE TEMPORARY TABLE lives (life integer, version integer, topic text, state bytea, PRIMARY KEY (life, version));

-- :name without_streams
-- The one index whose keys arrive in no order: built at once after filling it costs a tenth.
ALTER TABLE registre.events DROP CONSTRAINT events_stream_version_key;

-- :name with_streams
-- The same index again, under its own name.
ALTER TABLE registre.events ADD CONSTRAINT events_stream_version_key UNIQUE (stream, version);

-- :name fill
-- $1 events, written on the server: lives of $3 events each, a hundred of them side by side, so that a stream's events lie apart.
INSERT INTO registre.events (position, stream, version, topic, state, consultation, recorded_at, claim)
SELECT
    p.place + 1, p.stream, l.version, l.topic, l.state,
    CASE WHEN p.life % 10 = 0 THEN 'rare' ELSE 'culture' END,
    timestamptz '2026-01-01 00:00+00' + p.place * interval '1 ms',
    CASE WHEN l.version = 1 THEN uuid_send(p.stream) || uuid_send(p.stream) END
FROM (
    SELECT g.place, g.life, g.version, md5(g.life::text)::uuid AS stream FROM (
        SELECT s AS place, s / (100 * $3::bigint) * 100 + s % 100 AS life, (s % (100 * $3::bigint) / 100)::integer + 1 AS version
        FROM generate_series(0, $1::bigint - 1) AS s
    ) AS g
) AS p JOIN lives AS l ON l.life = p.life % $2::bigint AND l.version = p.version
ORDER BY p.place;

-- :name move_head
-- The log goes on after what was filled in.
UPDATE registre.head SET position = $1, recorded_at = (SELECT max(recorded_at) FROM registre.events);

-- :name settle
-- What a log that has grown over months has behind it: statistics, and a visibility map.
VACUUM (ANALYZE) registre.events;

-- :name checkpoint
-- Write out what filling left behind, so that no measurement pays for it.
CHECKPOINT;

-- :name gaps
-- How many positions are missing.
SELECT coalesce(max(position), 0) - count(*) FROM registre.events;
