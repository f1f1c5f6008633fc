-- The keys of sealed texts, in a database of their own. Rows are inserted once, wrapped anew when the key-encryption key is replaced, changed
-- in no other way, and go when their stream is erased.
CREATE SCHEMA keyring;

CREATE TABLE keyring.key (
    id         uuid PRIMARY KEY,
    stream     uuid NOT NULL,
    kek        bytea NOT NULL CHECK (octet_length(kek) = 8),
    wrapped    bytea NOT NULL CHECK (octet_length(wrapped) = 40),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN keyring.key.kek IS 'Which key-encryption key it is wrapped under: a digest that tells nothing of that key.';
COMMENT ON COLUMN keyring.key.wrapped IS 'The key as AES key wrap leaves it, RFC 3394: a key in clear has another length and is refused.';
COMMENT ON COLUMN keyring.key.created_at IS 'Tells keys that no event came to need from those about to be needed.';
CREATE INDEX key_stream ON keyring.key (stream);

-- What was erased stays erased: no key is taken for these streams any more, and a restored backup knows what to destroy.
CREATE TABLE keyring.destroyed (
    stream       uuid PRIMARY KEY,
    destroyed_at timestamptz NOT NULL DEFAULT now()
);

-- Key-encryption keys that a rotation has replaced: nothing is wrapped under them any more, whoever has not been told of it.
CREATE TABLE keyring.retired (
    kek        bytea PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION keyring.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the keyring forgets whole streams only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER key_never_changes BEFORE UPDATE ON keyring.key
    FOR EACH ROW WHEN (NEW.kek = OLD.kek OR (NEW.id, NEW.stream, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.stream, OLD.created_at))
    EXECUTE FUNCTION keyring.refuse();
CREATE TRIGGER key_never_goes_with_all BEFORE TRUNCATE ON keyring.key
    FOR EACH STATEMENT EXECUTE FUNCTION keyring.refuse();
CREATE TRIGGER retired_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON keyring.retired
    FOR EACH STATEMENT EXECUTE FUNCTION keyring.refuse();
CREATE TRIGGER destroyed_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON keyring.destroyed
    FOR EACH STATEMENT EXECUTE FUNCTION keyring.refuse();

-- Inserts share the lock, destruction takes it alone: without it an insert under way would survive the erasure of its stream.
-- Each statement of a VOLATILE function has a fresh snapshot, so what was committed before the lock was granted is seen.
-- NULL says that the key-encryption key has been retired, and that nothing was kept.
CREATE FUNCTION keyring.insert_keys(under bytea, ids uuid[], streams uuid[], secrets bytea[]) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    refused uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('keyring.destroyed'));
    IF EXISTS (SELECT FROM keyring.retired AS r WHERE r.kek = under) THEN
        RETURN NULL;
    END IF;
    refused := ARRAY(SELECT d.stream FROM keyring.destroyed AS d WHERE d.stream = ANY (streams));
    INSERT INTO keyring.key (id, stream, kek, wrapped)
    SELECT n.id, n.stream, under, n.secret FROM unnest(ids, streams, secrets) AS n (id, stream, secret) WHERE n.stream <> ALL (refused);
    RETURN refused;
END $$;

-- Wrap keys anew; those that were destroyed or wrapped anew meanwhile are left. It shares the lock, so no destruction crosses its rows.
CREATE FUNCTION keyring.rewrap_keys(under bytea, ids uuid[], befores bytea[], secrets bytea[]) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('keyring.destroyed'));
    UPDATE keyring.key AS k SET kek = under, wrapped = n.secret
    FROM unnest(ids, befores, secrets) AS n (id, kek, secret) WHERE k.id = n.id AND k.kek = n.kek;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;

-- Alone, as destruction: an insert under way ends before, and its keys are found by whoever wraps anew afterwards.
CREATE FUNCTION keyring.retire_keks(keks bytea[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('keyring.destroyed'));
    INSERT INTO keyring.retired (kek) SELECT unnest(keks) ON CONFLICT DO NOTHING;
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
