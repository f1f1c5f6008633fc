-- What has been prepared and published.
CREATE TABLE publication (
    id            uuid PRIMARY KEY,
    consultation  text NOT NULL,
    kind          text NOT NULL,
    position      bigint NOT NULL,
    digest        bytea NOT NULL,
    prepared_on   date NOT NULL,
    seen          bigint NOT NULL,
    status        text NOT NULL DEFAULT 'prepared',
    public        boolean NOT NULL DEFAULT false,
    location      text,
    superseded_by uuid,
    reason        text
);
CREATE INDEX publication_consultation ON publication (consultation, position);
