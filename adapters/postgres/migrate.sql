-- :name prepare
-- Where migrations are recorded.
SET LOCAL lock_timeout = '10s';
CREATE TABLE IF NOT EXISTS public.registre_migration (
    name       text PRIMARY KEY,
    digest     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- :name prepared
-- Whether anything has ever been migrated here.
SELECT to_regclass('public.registre_migration') IS NOT NULL;

-- :name lock
-- One migration at a time, whoever starts it.
SELECT pg_advisory_xact_lock(7034213);

-- :name applied
-- What has been applied, with the digest of each file.
SELECT name, digest FROM public.registre_migration;

-- :name record
-- Note a file as applied.
INSERT INTO public.registre_migration (name, digest) VALUES ($1, $2);

-- :name grant
-- Give the service's role what it needs, and nothing more.
SELECT registre.grant_service($1);
