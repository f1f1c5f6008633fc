-- :name rights
-- What the present role could do to the log against its promise.
SELECT has_table_privilege('registre.events', 'UPDATE') AS "update", has_table_privilege('registre.events', 'DELETE') AS "delete",
    has_table_privilege('registre.events', 'TRUNCATE') AS "truncate", has_table_privilege('registre.events', 'INSERT') AS "insert";

-- :name guards
-- How many of the two triggers that refuse changes to the log are in force.
SELECT count(*) FROM pg_trigger
WHERE tgrelid = 'registre.events'::regclass AND tgname IN ('append_only', 'append_only_truncate') AND tgenabled IN ('O', 'A');

-- :name ends
-- Where the counter stands, where the log ends, and how far its last stamp is ahead of the clock that stamps it, if it is.
SELECT h.position AS counter, coalesce((SELECT max(e.position) FROM registre.events AS e), 0) AS last,
    CASE WHEN h.position > 0 THEN greatest(h.recorded_at - (clock_timestamp() + c.shift), '0') ELSE '0' END AS ahead
FROM registre.head AS h, registre.clock AS c;

-- :name shift
-- How far the development clock stands from real time.
SELECT nullif(shift, '0') FROM registre.clock;
