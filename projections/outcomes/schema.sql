-- From contribution to code, proposal, opinion and decision, and the commitments.
CREATE TABLE analysed_contribution (
    id           uuid PRIMARY KEY,
    consultation text NOT NULL,
    theme        text NOT NULL,
    analysed     boolean NOT NULL,
    state        bytea NOT NULL,
    codes        text[] NOT NULL,
    -- Whether every reading has been made: until then the codes are shown to nobody.
    complete     boolean NOT NULL
) WITH (fillfactor = 60);
CREATE INDEX analysed_contribution_theme ON analysed_contribution (consultation, theme, id) WHERE analysed AND complete;
CREATE INDEX analysed_contribution_codes ON analysed_contribution USING gin (codes);
CREATE TABLE read_consultation (
    slug    text PRIMARY KEY,
    readers integer NOT NULL
);
CREATE TABLE proposal (
    id           uuid PRIMARY KEY,
    consultation text NOT NULL,
    theme        text NOT NULL,
    version      integer NOT NULL,
    title        text NOT NULL,
    text         text NOT NULL,
    status       text NOT NULL DEFAULT 'draft',
    meeting      text,
    favourable   boolean,
    opinion      text,
    outcome      text,
    motive       text,
    coverage     bytea,
    why_not_waited text NOT NULL DEFAULT '',
    public       boolean NOT NULL DEFAULT false
);
CREATE INDEX proposal_consultation ON proposal (consultation, id);
CREATE TABLE link (
    proposal     uuid NOT NULL,
    contribution uuid NOT NULL,
    PRIMARY KEY (proposal, contribution)
);
CREATE INDEX link_contribution ON link (contribution);
CREATE TABLE progress (
    proposal uuid NOT NULL,
    version  integer NOT NULL,
    day      date NOT NULL,
    text     text NOT NULL,
    PRIMARY KEY (proposal, version)
);
CREATE TABLE meeting (
    consultation text NOT NULL,
    id           text NOT NULL,
    day          date NOT NULL,
    PRIMARY KEY (consultation, id)
);
CREATE TABLE commitment (
    consultation text NOT NULL,
    id           text NOT NULL,
    place        integer NOT NULL,
    text         text NOT NULL,
    due          date NOT NULL,
    kept_on      date,
    evidence     text,
    PRIMARY KEY (consultation, id)
);
