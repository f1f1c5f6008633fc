-- :name assigned
-- Every contribution that was assigned for a look, as often as that happened, in the order of the log, with its place in the order of arrival.
SELECT a.stream::text AS contribution, s.position AS arrival
FROM registre.events AS a JOIN registre.events AS s ON s.stream = a.stream AND s.version = 1
WHERE a.consultation = $1 AND a.topic = 'contribution.review_assigned.v1'
ORDER BY a.position;
