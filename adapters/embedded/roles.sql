-- :name name_role
-- State a role and its password for `create_role`: utility statements take no parameters.
SELECT set_config('registre.role', $1, false), set_config('registre.password', $2, false);

-- :name create_role
-- Create the login role that was named, unless it is there.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_setting('registre.role')) THEN
        EXECUTE format(
            'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD %L',
            current_setting('registre.role'), current_setting('registre.password')
        );
    END IF;
END
$$;

-- :name database_exists
-- Whether a database is there.
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1);

-- :name create_registre
-- The database of the event store and the read models.
CREATE DATABASE registre OWNER registre_owner;

-- :name create_registre_keyring
-- The database of the keyring.
CREATE DATABASE registre_keyring OWNER registre_keyring;

-- :name grant_rights
-- Each role may connect to its own database and to no other.
REVOKE ALL ON DATABASE postgres, template1, registre, registre_keyring FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE registre TO registre;
