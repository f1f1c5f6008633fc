-- The log: events in gap-free order, appended by one function, changed by nobody.
CREATE SCHEMA registre;

CREATE TABLE registre.events (
    position     bigint      PRIMARY KEY,
    stream       uuid        NOT NULL,
    version      integer     NOT NULL,
    topic        text        NOT NULL,
    state        bytea       NOT NULL,
    consultation text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    -- A value that no other event may carry: a deposit's commitment.
    claim        bytea,
    UNIQUE (stream, version)
);
CREATE UNIQUE INDEX events_claim ON registre.events (claim) WHERE claim IS NOT NULL;
CREATE INDEX events_consultation ON registre.events (consultation, position);
CREATE INDEX events_topic ON registre.events (topic, position);

-- One row, locked by every append: commit order is position order. Updated in place (HOT), hence the room.
CREATE TABLE registre.head (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO registre.head (position, recorded_at) VALUES (0, '-infinity');

-- How far the development clock stands from real time; zero anywhere else.
CREATE TABLE registre.clock (
    one   boolean  PRIMARY KEY DEFAULT true CHECK (one),
    shift interval NOT NULL
);
INSERT INTO registre.clock (shift) VALUES ('0');

-- What each member of staff took last from a queue: locked by whoever takes for them, so that nobody holds two items, whatever they send at once.
CREATE TABLE registre.turn (
    consultation text NOT NULL,
    kind         text NOT NULL,
    holder       text NOT NULL,
    assignment   uuid,
    contribution uuid,
    PRIMARY KEY (consultation, kind, holder)
);

-- How far each follower has come; moved in the transaction that its effects are written in.
CREATE TABLE registre.tracking (
    follower text   PRIMARY KEY,
    version  integer NOT NULL DEFAULT 1,
    position bigint NOT NULL
);

CREATE FUNCTION registre.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON registre.events FOR EACH ROW EXECUTE FUNCTION registre.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON registre.events FOR EACH STATEMENT EXECUTE FUNCTION registre.refuse_change();

-- Append a batch of requests in one round trip. Locks the counter row first, so that each statement after it sees every earlier commit.
-- Requests are numbered in the order of arrival; the arrays name the request that each event and each precondition belongs to.
-- Returns for each request the position of its first event, or the stream that has moved, or that a claim is taken; a request that
-- conflicts writes nothing. Requests that touch the same stream are judged one after the other, all others together.
CREATE FUNCTION registre.append_batch(
    requests integer[], streams uuid[], versions integer[], topics text[], states bytea[], consultations text[], claims bytea[],
    given_requests integer[], given_streams uuid[], given_versions integer[]
) RETURNS TABLE (request integer, first_position bigint, moved uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = registre, pg_temp AS $$
#variable_conflict use_column
DECLARE
    last   bigint;
    stamp  timestamptz;
    shared boolean;
    turns  integer[];
    turn   integer;
BEGIN
    SELECT h.position, greatest(h.recorded_at, clock_timestamp() + c.shift) INTO last, stamp
    FROM head AS h, clock AS c FOR UPDATE OF h;

    SELECT EXISTS (
        SELECT FROM unnest(requests, streams) AS w (r, s)
        JOIN (SELECT * FROM unnest(requests, streams) UNION ALL SELECT * FROM unnest(given_requests, given_streams)) AS t (r, s)
        ON t.s = w.s AND t.r <> w.r
    ) OR EXISTS (
        SELECT FROM unnest(claims) AS c (claim) WHERE claim IS NOT NULL GROUP BY claim HAVING count(*) > 1
    ) INTO shared;
    IF shared THEN
        SELECT array_agg(DISTINCT r ORDER BY r) INTO turns FROM unnest(requests) AS r;
    ELSE
        turns := ARRAY[NULL::integer];
    END IF;

    FOREACH turn IN ARRAY turns LOOP
        RETURN QUERY
        WITH wanted AS (
            SELECT * FROM unnest(requests, streams, versions, topics, states, consultations, claims)
                WITH ORDINALITY AS w (r, stream, version, topic, state, consultation, claim, place)
            WHERE turn IS NULL OR r = turn
        ), conflicts AS (
            SELECT DISTINCT ON (r) r, stream FROM (
                SELECT w.r, w.stream FROM wanted AS w JOIN events AS e ON e.stream = w.stream AND e.version = w.version
                UNION ALL
                SELECT w.r, w.stream FROM wanted AS w JOIN events AS e ON e.claim = w.claim WHERE w.claim IS NOT NULL
                UNION ALL
                SELECT w.r, w.stream FROM wanted AS w GROUP BY w.r, w.stream, w.version HAVING count(*) > 1
                UNION ALL
                SELECT g.r, g.stream FROM unnest(given_requests, given_streams, given_versions) AS g (r, stream, version)
                WHERE (turn IS NULL OR g.r = turn)
                AND g.version <> coalesce((SELECT e.version FROM events AS e WHERE e.stream = g.stream ORDER BY e.version DESC LIMIT 1), 0)
            ) AS c ORDER BY r
        ), numbered AS (
            SELECT w.*, last + row_number() OVER (ORDER BY w.place) AS position
            FROM wanted AS w WHERE NOT EXISTS (SELECT FROM conflicts AS c WHERE c.r = w.r)
        ), written AS (
            INSERT INTO events (position, stream, version, topic, state, consultation, recorded_at, claim)
            SELECT n.position, n.stream, n.version, n.topic, n.state, n.consultation, stamp, n.claim FROM numbered AS n ORDER BY n.position
        )
        SELECT n.r, min(n.position), NULL::uuid FROM numbered AS n GROUP BY n.r
        UNION ALL
        SELECT c.r, NULL::bigint, c.stream FROM conflicts AS c;
        SELECT coalesce(max(e.position), last) INTO last FROM events AS e WHERE e.position > last;
    END LOOP;

    UPDATE head SET position = last, recorded_at = stamp;
    PERFORM pg_notify('registre_events', last::text);
END
$$;

-- Append the one event of a request that stands alone: the same promises, in three statements and without arrays. The counter row is locked by
-- moving it, and moved back when the stream's version or the claim is taken. Returns the position, or null for a conflict.
CREATE FUNCTION registre.append_one(
    stream uuid, version integer, topic text, state bytea, consultation text, claim bytea
) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = registre, pg_temp AS $$
#variable_conflict use_column
DECLARE
    place bigint;
    stamp timestamptz;
BEGIN
    UPDATE head AS h SET position = h.position + 1, recorded_at = greatest(h.recorded_at, clock_timestamp() + c.shift)
    FROM clock AS c RETURNING h.position, h.recorded_at INTO place, stamp;
    INSERT INTO events (position, stream, version, topic, state, consultation, recorded_at, claim)
    VALUES (place, $1, $2, $3, $4, $5, stamp, $6) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM events AS e WHERE e.position = place) THEN
            RAISE EXCEPTION 'the counter is behind the log at position %', place USING ERRCODE = 'data_corrupted';
        END IF;
        UPDATE head SET position = position - 1;
        RETURN NULL;
    END IF;
    PERFORM pg_notify('registre_events', place::text);
    RETURN place;
END
$$;

-- The last position recorded at or before a moment, 0 if there is none. Stamps never decrease with position and positions have no gap: a few dozen
-- look-ups by the primary key find it, and no append pays for an index of its own.
CREATE FUNCTION registre.position_at(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low    bigint := 0;
    high   bigint;
    middle bigint;
BEGIN
    SELECT h.position INTO high FROM registre.head AS h;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM registre.events AS e WHERE e.position = middle) <= moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END
$$;

-- What the service's role may do: read the log, append through the function, keep its own read models in schemas of its own.
CREATE FUNCTION registre.grant_service(service name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA registre TO %I', service);
    EXECUTE format('GRANT SELECT ON registre.events, registre.head TO %I', service);
    EXECUTE format('GRANT SELECT, UPDATE ON registre.clock TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON registre.tracking TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON registre.turn TO %I', service);
    EXECUTE format('GRANT SELECT, INSERT ON registre.snapshot TO %I', service);
    EXECUTE format('GRANT SELECT ON public.registre_migration TO %I', service);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA registre TO %I', service);
    EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', current_database(), service);
END
$$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA registre FROM PUBLIC;
