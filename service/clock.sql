-- :name read_shift
-- How far the development clock stands from real time.
SELECT shift FROM registre.clock;

-- :name latest_stamp
-- When the last event was recorded, by the same clock; none in an empty log.
SELECT recorded_at FROM registre.head WHERE position > 0;

-- :name write_shift
-- Move the development clock.
UPDATE registre.clock SET shift = $1;
