-- :name rights
-- What the present role could do to the log against its promise.
SELECT has_table_privilege('registre.events', 'UPDATE') AS "update", has_table_privilege('registre.events', 'DELETE') AS "delete",
    has_table_privilege('registre.events', 'TRUNCATE') AS "truncate", has_table_privilege('registre.events', 'INSERT') AS "insert";

-- :name shift
-- How far the development clock stands from real time.
SELECT nullif(shift, '0') FROM registre.clock;
