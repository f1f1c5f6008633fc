-- What is kept of texts to tell which resemble each other: keyed hashes, here because they must be forgotten together with the keys.
CREATE TABLE keyring.likeness (
    stream    uuid PRIMARY KEY,
    arrival   bigint NOT NULL UNIQUE,
    digest    bytea NOT NULL,
    signature bytea NOT NULL
);
COMMENT ON COLUMN keyring.likeness.arrival IS 'Position of the deposit in the log: a text is compared with those that arrived before it.';

-- Texts that may be near share a bucket. The hashes of each consultation have a key of their own, so no bucket holds texts of two.
CREATE TABLE keyring.bucket (
    value   bigint NOT NULL,
    arrival bigint NOT NULL,
    stream  uuid NOT NULL REFERENCES keyring.likeness ON DELETE CASCADE,
    PRIMARY KEY (value, arrival)
);
CREATE INDEX bucket_stream ON keyring.bucket (stream);

-- As keyring.insert_keys: whoever comes too late, or again, leaves nothing behind.
CREATE FUNCTION keyring.keep_likenesses(
    streams uuid[], arrivals bigint[], digests bytea[], signatures bytea[], placed uuid[], buckets bigint[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('keyring.destroyed'));
    INSERT INTO keyring.likeness (stream, arrival, digest, signature)
    SELECT n.stream, n.arrival, n.digest, n.signature
    FROM unnest(streams, arrivals, digests, signatures) AS n (stream, arrival, digest, signature)
    WHERE NOT EXISTS (SELECT FROM keyring.destroyed AS d WHERE d.stream = n.stream)
    ON CONFLICT DO NOTHING;
    INSERT INTO keyring.bucket (value, arrival, stream)
    SELECT b.value, l.arrival, b.stream FROM unnest(placed, buckets) AS b (stream, value) JOIN keyring.likeness AS l USING (stream)
    ON CONFLICT DO NOTHING;
END $$;

CREATE OR REPLACE FUNCTION keyring.destroy_keys(erased uuid) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    gone bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('keyring.destroyed'));
    INSERT INTO keyring.destroyed (stream) VALUES (erased) ON CONFLICT DO NOTHING;
    DELETE FROM keyring.likeness WHERE stream = erased;
    DELETE FROM keyring.key WHERE stream = erased;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
