-- Documents of the measures, each a function of the log up to a position: computed anew at any time, never the source of a decision.
CREATE TABLE registre.measured (
    consultation text    NOT NULL,
    position     bigint  NOT NULL,
    audience     text    NOT NULL,
    version      integer NOT NULL,
    asked        boolean NOT NULL,
    document     bytea   NOT NULL,
    PRIMARY KEY (consultation, audience, position)
);

-- Positions of the past that somebody has asked for and nobody has computed yet.
CREATE TABLE registre.measures_wanted (
    consultation text        NOT NULL,
    position     bigint      NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consultation, position)
);

-- The grants before this file, and those on its tables.
ALTER FUNCTION registre.grant_service(name) RENAME TO grant_log;
CREATE FUNCTION registre.grant_service(service name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM registre.grant_log(service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON registre.measured, registre.measures_wanted TO %I', service);
END
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA registre FROM PUBLIC;
