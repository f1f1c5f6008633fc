-- What applications written for the eventsourcing package need beside the log: snapshots, and appending together with a tracking position.
CREATE TABLE registre.snapshot (
    purpose text    NOT NULL,
    stream  uuid    NOT NULL,
    version integer NOT NULL,
    topic   text    NOT NULL,
    state   bytea   NOT NULL,
    PRIMARY KEY (purpose, stream, version)
);

-- Move a follower forward; refuses to move it back or to leave it where it is.
CREATE FUNCTION registre.track(name text, reached bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO registre.tracking AS t (follower, position) VALUES (name, reached)
    ON CONFLICT (follower) DO UPDATE SET position = excluded.position WHERE t.position < excluded.position;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% has come to % already', name, reached USING ERRCODE = 'unique_violation';
    END IF;
END
$$;

-- Append one request and move a follower, both or neither. Returns what append_batch returns of it, and nothing for no events.
CREATE FUNCTION registre.append_tracked(
    streams uuid[], versions integer[], topics text[], states bytea[], consultations text[], claims bytea[], name text, reached bigint
) RETURNS TABLE (first_position bigint, moved uuid) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    answer record;
BEGIN
    IF cardinality(streams) > 0 THEN
        SELECT b.first_position, b.moved INTO answer FROM registre.append_batch(
            array_fill(0, ARRAY[cardinality(streams)]), streams, versions, topics, states, consultations, claims, '{}', '{}', '{}'
        ) AS b;
        first_position := answer.first_position;
        moved := answer.moved;
        RETURN NEXT;
    END IF;
    IF moved IS NULL THEN
        PERFORM registre.track(name, reached);
    END IF;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA registre FROM PUBLIC;
