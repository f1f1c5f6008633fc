-- The restricted view of how contributions are treated. Holds no text.
CREATE TABLE treated_consultation (
    slug    text PRIMARY KEY,
    readers integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 0,
    topic   text NOT NULL DEFAULT '',
    seed    bytea
);
-- One row a contribution. `look`, `readable` and `wanted` are what the domain answers about its state.
CREATE TABLE item (
    contribution uuid PRIMARY KEY,
    consultation text NOT NULL,
    theme        text NOT NULL,
    arrival      bigint NOT NULL,
    version      integer NOT NULL,
    channel      text NOT NULL,
    actor        text NOT NULL,
    language     text NOT NULL,
    length       integer NOT NULL,
    contact_left boolean NOT NULL,
    last_at      timestamptz NOT NULL,
    state        bytea NOT NULL,
    standing     text NOT NULL,
    analysed     boolean NOT NULL,
    look         text,
    free         boolean NOT NULL,
    took_part    text[] NOT NULL,
    expires      timestamptz,
    holder       text,
    assignment   uuid,
    confirm_by   timestamptz,
    readings     integer NOT NULL,
    coded        boolean NOT NULL,
    wanted       integer NOT NULL,
    readable     boolean NOT NULL,
    round        integer NOT NULL,
    rank         bytea NOT NULL,
    readers      text[] NOT NULL
);
CREATE INDEX item_review ON item (consultation, arrival) WHERE look IS NOT NULL AND free;
CREATE INDEX item_held ON item (consultation, holder) WHERE holder IS NOT NULL;
CREATE INDEX item_reading ON item (consultation, round, rank) WHERE readable;
CREATE INDEX item_expiring ON item (expires) WHERE expires IS NOT NULL;
CREATE INDEX item_unconfirmed ON item (confirm_by) WHERE confirm_by IS NOT NULL;
CREATE INDEX item_theme ON item (consultation, theme);
-- Readings under way.
CREATE TABLE reading (
    assignment   uuid PRIMARY KEY,
    contribution uuid NOT NULL,
    consultation text NOT NULL,
    reader       text NOT NULL,
    round        integer NOT NULL,
    expires      timestamptz NOT NULL
);
CREATE INDEX reading_held ON reading (consultation, reader);
CREATE INDEX reading_expiring ON reading (expires);
-- Readings made, each with the codebook that its latest codes come from.
CREATE TABLE coding (
    assignment   uuid PRIMARY KEY,
    contribution uuid NOT NULL,
    consultation text NOT NULL,
    reader       text NOT NULL,
    codebook     integer NOT NULL,
    -- Position of the log at which the reading was made: the order in which a reader read.
    made         bigint NOT NULL
);
CREATE INDEX coding_reader ON coding (consultation, reader, codebook, made);
CREATE TABLE step (
    contribution uuid NOT NULL,
    version      integer NOT NULL,
    position     bigint NOT NULL,
    topic        text NOT NULL,
    at           timestamptz NOT NULL,
    actor        text,
    delay_s      double precision,
    PRIMARY KEY (contribution, version)
);
