-- What a frontend shows. Rebuilt from the log at any time; never the source of a decision.
CREATE TABLE consultation (
    slug             text PRIMARY KEY,
    title            text NOT NULL,
    language         text NOT NULL,
    phase            text NOT NULL DEFAULT 'preparing',
    version          integer NOT NULL,
    policies         bytea,
    charter_version  integer NOT NULL DEFAULT 0,
    charter          bytea,
    methodology      text NOT NULL DEFAULT '',
    codebook_version integer NOT NULL DEFAULT 0,
    codebook         bytea,
    synthesis        text
);
CREATE TABLE theme (
    consultation text NOT NULL,
    id           text NOT NULL,
    place        integer NOT NULL,
    title        text NOT NULL,
    question     text NOT NULL,
    opens        timestamptz NOT NULL,
    closes       timestamptz NOT NULL,
    phase        text NOT NULL DEFAULT 'waiting',
    received     bigint NOT NULL DEFAULT 0,
    visible      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (consultation, id)
);
-- `text` is there only while the public may see it; `sealed` is the ciphertext from which it can be shown again, bound to the `topic` of its event.
CREATE TABLE contribution (
    id           uuid PRIMARY KEY,
    consultation text NOT NULL,
    theme        text NOT NULL,
    day          date NOT NULL,
    channel      text NOT NULL,
    actor        text NOT NULL,
    language     text NOT NULL,
    charter      integer NOT NULL,
    commitment   bytea NOT NULL,
    topic        text NOT NULL,
    sealed       bytea NOT NULL,
    status       text NOT NULL,
    analysed     boolean NOT NULL,
    hidden_under text,
    text         text
);
-- Public lists are ordered by day, then by an id that tells no time.
CREATE INDEX contribution_public ON contribution (consultation, theme, day, id) WHERE status = 'visible';
-- The state of each, folded by the domain. Apart, since every event moves it and few change what is shown; with room to move it in place.
CREATE TABLE folded (
    id    uuid PRIMARY KEY,
    state bytea NOT NULL
) WITH (fillfactor = 60);
-- The notice for whoever holds copies: which texts to drop, in an order that tells no time.
CREATE TABLE withdrawal (
    id           uuid PRIMARY KEY,
    consultation text NOT NULL,
    day          date NOT NULL
);
CREATE INDEX withdrawal_public ON withdrawal (consultation, day, id);
