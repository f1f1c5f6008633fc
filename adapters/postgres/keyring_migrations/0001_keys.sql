-- The keys of sealed texts, in a database of their own. Rows are inserted once, never changed, and go when their stream is erased.
CREATE SCHEMA keyring;

CREATE TABLE keyring.key (
    id         uuid PRIMARY KEY,
    stream     uuid NOT NULL,
    secret     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN keyring.key.created_at IS 'Tells keys that no event came to need from those about to be needed.';
CREATE INDEX key_stream ON keyring.key (stream);

-- What was erased stays erased: no key is taken for these streams any more, and a restored backup knows what to destroy.
CREATE TABLE keyring.destroyed (
    stream       uuid PRIMARY KEY,
    destroyed_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION keyring.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the keyring forgets whole streams only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER key_never_changes BEFORE UPDATE OR TRUNCATE ON keyring.key
    FOR EACH STATEMENT EXECUTE FUNCTION keyring.refuse();
CREATE TRIGGER destroyed_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON keyring.destroyed
    FOR EACH STATEMENT EXECUTE FUNCTION keyring.refuse();

-- Inserts share the lock, destruction takes it alone: without it an insert under way would survive the erasure of its stream.
-- Each statement of a VOLATILE function has a fresh snapshot, so what was committed before the lock was granted is seen.
CREATE FUNCTION keyring.insert_keys(ids uuid[], streams uuid[], secrets bytea[]) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    refused uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('keyring.destroyed'));
    refused := ARRAY(SELECT d.stream FROM keyring.destroyed AS d WHERE d.stream = ANY (streams));
    INSERT INTO keyring.key (id, stream, secret)
    SELECT n.id, n.stream, n.secret FROM unnest(ids, streams, secrets) AS n (id, stream, secret) WHERE n.stream <> ALL (refused);
    RETURN refused;
END $$;

CREATE FUNCTION keyring.destroy_keys(erased uuid) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    gone bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('keyring.destroyed'));
    INSERT INTO keyring.destroyed (stream) VALUES (erased) ON CONFLICT DO NOTHING;
    DELETE FROM keyring.key WHERE stream = erased;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
