-- Read models live in schemas that the service's role creates, swaps and drops; these functions run with its rights.
CREATE FUNCTION registre.create_read_model(name name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', name);
END
$$;

CREATE FUNCTION registre.drop_read_model(name name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', name);
    DELETE FROM registre.tracking WHERE follower = name;
END
$$;

-- Put a read model in the place of another, together with how far it has come. The other is renamed, not dropped: renaming waits for no
-- reader, and those in the middle of a statement finish it on the tables that they have found.
CREATE FUNCTION registre.swap_read_model(fresh name, served name, retired name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regnamespace(quote_ident(served)) IS NOT NULL THEN
        EXECUTE format('ALTER SCHEMA %I RENAME TO %I', served, retired);
    END IF;
    DELETE FROM registre.tracking WHERE follower = served;
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', fresh, served);
    UPDATE registre.tracking SET follower = served WHERE follower = fresh;
END
$$;

-- Every row of a table, rendered and sorted: what two copies of a read model are compared by.
CREATE FUNCTION registre.rows_of(namespace name, relation name) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT t::text FROM %I.%I AS t ORDER BY t::text COLLATE "C"', namespace, relation);
END
$$;

-- Every row of a table as JSON, in the same order.
CREATE FUNCTION registre.json_rows_of(namespace name, relation name) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT to_jsonb(t)::text FROM %I.%I AS t ORDER BY t::text COLLATE "C"', namespace, relation);
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA registre FROM PUBLIC;
