-- constants and parameters
SELECT pgml.predict('line', '{3,4}'::real[])
SELECT pgml.predict('line', ARRAY[3, 4]), pgml.predict('line', ARRAY[3, 4]::bigint[]), pgml.predict('line', ARRAY[3, 4]::smallint[])
SELECT pgml.predict($1, $2::real[]) -- $ line | {3,4}
SELECT pgml.predict($1::text, $2::real[]), $3::int + 1 AS more -- $ kinds | {4,3} | 7
SELECT pgml.predict('line', $1::float8[]) FROM inputs WHERE id = $2 -- $ {1,2} | 3
SELECT pgml.predict($1::text, NULL::real[]), pgml.predict(NULL, '{1,2}'::real[]) -- $ line
SELECT pgml.predict($1::text, x) FROM inputs WHERE id = $2::bigint -- $ line | 2
SELECT pgml.predict('line', $1::real[]) -- $ NULL

-- types that PostgresML's overloads leave open
SELECT pgml.predict('line', '{3,4}'), pgml.predict('line', ARRAY[3.0, 4.0])
SELECT pgml.predict('line', NULL)
SELECT pgml.predict('line', y::numeric[]), pgml.predict('kinds', n::smallint[]) FROM inputs ORDER BY id
SELECT pgml.predict('line', x::text) FROM inputs WHERE id < 4
SELECT pgml.predict('line', $1) -- $ {3,4}
SELECT pgml.predict($1, $2) -- $ line | {3,4}
SELECT pgml.predict('line', '{3,y}')
SELECT pgml.predict('line', 'x'::varchar)
SELECT id FROM inputs WHERE pgml.predict('line', '{3,4}') > id

-- in FROM
SELECT * FROM pgml.predict('line', '{3,4}'::real[])
SELECT predict FROM pgml.predict('line', '{3,4}'::real[])
SELECT p.* FROM pgml.predict('line', '{3,4}'::real[]) AS p
SELECT v + 1 FROM pgml.predict('line', '{3,4}'::real[]) AS p(v)
SELECT * FROM inputs i, pgml.predict('line', i.x) p ORDER BY i.id
SELECT * FROM pgml.predict('line', '{3,4}'::real[]) WITH ORDINALITY
SELECT * FROM ROWS FROM (pgml.predict('line', '{3,4}'::real[]), generate_series(1, 2)) AS f(a, b)
SELECT * FROM pgml.predict_batch('line', ARRAY[[1,2],[3,4]]::real[])
SELECT pgml.predict_batch('line', ARRAY[[1,2],[3,4]]::real[]), generate_series(1, 3)

-- batches of aggregated arguments
SELECT pgml.predict_batch('line', array_agg(x ORDER BY id)), unnest(array_agg(id ORDER BY id)) FROM inputs WHERE id < 7
SELECT count(*), sum(v) FROM (SELECT pgml.predict_batch('line', array_agg(x ORDER BY id)) AS v FROM inputs WHERE id < 7) s

-- per row
SELECT id, pgml.predict('line', x) FROM inputs ORDER BY id
SELECT id, pgml.predict('line', x) AS p FROM inputs ORDER BY id LIMIT 3 OFFSET 1
SELECT *, pgml.predict('line', x) FROM inputs
SELECT i.*, pgml.predict('line', i.x), i.id FROM inputs AS i WHERE i.id > 2
SELECT pgml.predict('line', x), pgml.predict('kinds', x), pgml.predict_proba('kinds', x) FROM inputs
SELECT pgml.predict('line', x)::int, pgml.predict('line', x)::text || '!' FROM inputs
SELECT DISTINCT pgml.predict('kinds', x) FROM inputs
SELECT DISTINCT ON (g) g, pgml.predict('line', x) FROM inputs ORDER BY g, id
SELECT "pgml"."predict"('line', x) FROM inputs
SELECT U&"pgml"."predict"('line', x) FROM inputs
SELECT U&"\0070gml".predict('line', x) FROM inputs
SELECT PGML.Predict('line', x) FROM inputs
SELECT pgml . predict ( 'line' , x ) FROM inputs
SELECT pgml/* a comment */.predict('line', /* ' */ x) -- another
SELECT pgml.predict($$line$$, x), E'it''s\n', 'pgml.predict' FROM inputs
SELECT pgml.predict(features => x, project_name => 'line') FROM inputs
SELECT pgml.predict('line', features => x) FROM inputs
SELECT pgml.predict('line', VARIADIC x) FROM inputs
SELECT pgml.predict('line', x), * FROM inputs WHERE false
SELECT pgml.predict('line', x) FROM inputs i TABLESAMPLE SYSTEM (100)
SELECT pgml.predict('line', x) FROM ONLY inputs
SELECT (SELECT pgml.predict('line', i.x)) FROM inputs i
SELECT ARRAY(SELECT pgml.predict('line', x) FROM inputs ORDER BY id)
SELECT ROW(id, pgml.predict('line', x)) FROM inputs
SELECT id, pgml.predict('line', x) INTO TEMP one FROM inputs
SELECT to_jsonb(s) FROM (SELECT id, pgml.predict('line', x) AS p FROM inputs) s
SELECT pgml.predict('line', x) FROM inputs FOR UPDATE
SELECT pgml.predict('line', x) FROM inputs FETCH FIRST 2 ROWS ONLY

-- elsewhere in a SELECT
SELECT id FROM inputs WHERE pgml.predict('line', x) > 10 ORDER BY id
SELECT id FROM inputs ORDER BY pgml.predict('line', x) DESC NULLS LAST, id
SELECT pgml.predict('kinds', x) AS k, count(*) FROM inputs GROUP BY k ORDER BY k
SELECT pgml.predict('kinds', x), count(*) FROM inputs GROUP BY pgml.predict('kinds', x) HAVING sum(pgml.predict('line', x)) > 1
SELECT count(*) FROM inputs a JOIN inputs b ON pgml.predict('line', a.x) < pgml.predict('line', b.x)
SELECT a.id FROM inputs a LEFT JOIN inputs b ON a.id = b.id AND pgml.predict('kinds', b.x) = 1 WHERE b.id IS NULL
SELECT id, rank() OVER (ORDER BY pgml.predict('line', x)) FROM inputs
SELECT id, sum(pgml.predict('line', x)) OVER (ORDER BY id ROWS 1 PRECEDING) FROM inputs
SELECT CASE WHEN pgml.predict('kinds', x) = 1 THEN 'yes' ELSE 'no' END FROM inputs
SELECT id FROM inputs WHERE id IN (SELECT id FROM inputs WHERE pgml.predict('line', x) > 8)
SELECT id FROM inputs o WHERE EXISTS (SELECT 1 FROM inputs i WHERE i.id = o.id AND pgml.predict('line', o.x) > 8)
SELECT i.id, l.p FROM inputs i, LATERAL (SELECT pgml.predict('line', i.x) AS p) l
WITH c AS (SELECT id, pgml.predict('line', x) AS p FROM inputs) SELECT * FROM c WHERE p > 8
WITH c AS MATERIALIZED (SELECT id, pgml.predict('line', x) AS p FROM inputs) SELECT count(*) FROM c
WITH RECURSIVE r(n, v) AS (SELECT 1, pgml.predict('line', '{1,2}'::real[]) UNION ALL SELECT n + 1, pgml.predict('line', ARRAY[n, 3]::real[]) FROM r WHERE n < 4) SELECT * FROM r
SELECT sum(pgml.predict('line', x)), avg(pgml.predict('line', x)) FILTER (WHERE id > 2) FROM inputs
SELECT pgml.predict('line', ARRAY[max(id), min(id)]::real[]) FROM inputs
SELECT g, pgml.predict('line', ARRAY[sum(id), 3]::real[]) FROM inputs WHERE g IS NOT NULL GROUP BY g
SELECT g, count(*) FROM inputs GROUP BY GROUPING SETS ((g), ()) HAVING count(pgml.predict('line', '{1,2}'::real[])) > 1
SELECT id, pgml.predict('line', x) FROM inputs UNION SELECT 0, pgml.predict('line', '{1,1}'::real[])
SELECT id, pgml.predict('line', x) FROM inputs UNION ALL SELECT id, 0 FROM inputs ORDER BY 1, 2
VALUES (pgml.predict('line', '{3,4}'::real[]), 1), (2, pgml.predict('kinds', '{3,4}'::real[]))
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pgml.predict('line', x)) FROM inputs
SELECT string_agg(pgml.predict('line', x)::text, ',' ORDER BY pgml.predict('line', x) DESC) FROM inputs
TABLE seen

-- data that changes
INSERT INTO kept SELECT id, pgml.predict('line', x), t FROM inputs
INSERT INTO kept VALUES (1, pgml.predict('line', '{3,4}'::real[]), 'x'), (2, NULL, 'y') RETURNING *
INSERT INTO kept (id, value) SELECT id, pgml.predict('line', x) FROM inputs RETURNING id, value, pgml.predict('line', '{1,1}'::real[])
UPDATE kept SET value = pgml.predict('line', ARRAY[id, 3]::real[]) WHERE id < 4
UPDATE target SET value = pgml.predict('line', x) RETURNING id, value
UPDATE target t SET value = pgml.predict('line', i.x) FROM inputs i WHERE i.id = t.id AND pgml.predict('line', i.x) > 1
INSERT INTO target SELECT id, pgml.predict('line', x), x FROM inputs WHERE id < 5 ON CONFLICT (id) DO UPDATE SET value = pgml.predict('line', excluded.x) + 100
INSERT INTO target VALUES (1) ON CONFLICT DO NOTHING RETURNING pgml.predict('line', '{1,1}'::real[])
DELETE FROM kept WHERE pgml.predict('line', ARRAY[id, 3]::real[]) > 9 RETURNING *, pgml.predict('kinds', ARRAY[id, 3]::real[])
WITH d AS (DELETE FROM target WHERE id = 1 RETURNING x) INSERT INTO kept SELECT 1, pgml.predict('line', x) FROM d RETURNING *
WITH u AS (UPDATE target SET value = 1 RETURNING id) SELECT id, pgml.predict('line', ARRAY[id, 1]::real[]) FROM u ORDER BY id
SELECT * FROM kept ORDER BY id, value, note
SELECT * FROM target ORDER BY id

-- many rows that are stored
CREATE TABLE many AS SELECT g AS id, ARRAY[g % 13, g % 7]::real[] AS x, ARRAY[g % 13, g % 7] AS n, CASE WHEN g % 5 > 0 THEN ARRAY[g % 3, g % 11]::float8[] END AS y FROM generate_series(1, 600) g
INSERT INTO kept SELECT id, pgml.predict('line', x), 'many' FROM many
SELECT count(*), sum(value), count(value) FROM kept
INSERT INTO kept SELECT id, pgml.predict('kinds', y), 'nulls' FROM many RETURNING id, value
INSERT INTO kept SELECT m.id, pgml.predict('line', m.n), pgml.predict('kinds', ARRAY[m.id % 4, 2]) || '' FROM many m JOIN inputs i ON i.id = m.id % 6 WHERE pgml.predict('kinds', i.x) = 0 ORDER BY m.id DESC
SELECT * FROM kept WHERE note <> 'many' ORDER BY id, value, note LIMIT 50
CREATE TABLE stored AS SELECT id, pgml.predict('line', x), pgml.predict('kinds', n) AS kind, pgml.predict('line', '{1,2}'::real[]) AS constant FROM many ORDER BY id
SELECT * FROM stored ORDER BY id LIMIT 40
SELECT sum(predict), sum(kind), min(constant) FROM stored
INSERT INTO kept SELECT id, pgml.predict('line', x) FROM many LIMIT 3
SELECT id, pgml.predict('line', x) FROM many ORDER BY 2 DESC, 1 LIMIT 7
SELECT id FROM many ORDER BY pgml.predict('line', x), id DESC LIMIT 7 OFFSET 3
SELECT id, pgml.predict('line', x) AS score, pgml.predict('kinds', y) FROM many ORDER BY score, id LIMIT 30
SELECT id, -pgml.predict('line', x), pgml.predict('kinds', y) > $1, pgml.predict('line', n)::int || 'x' AS c FROM many WHERE id > $2 ORDER BY id -- $ 0.5 | 580
SELECT id, pgml.predict('line', ARRAY[id, 1, 2]::real[]) FROM many ORDER BY 2
SELECT id, pgml.predict('line', x) > 'x' FROM many
SELECT id FROM many ORDER BY pgml.predict('line', nosuch)
SELECT count(*), pgml.predict('line', x) + 1 FROM many
SELECT id, (SELECT max(id) FROM inputs), pgml.predict('line', x) + 1 FROM many m WHERE id < 4 ORDER BY id
SELECT t.*, pgml.predict('line', x) * 2 FROM many t WHERE id < 3 ORDER BY id
SELECT id FROM many ORDER BY pgml.predict('line', x), id LIMIT 3 FOR UPDATE
SELECT row_number() OVER (ORDER BY id), pgml.predict('line', x) + 1 FROM many ORDER BY 1 LIMIT 5
SELECT row_number() OVER (ORDER BY pgml.predict('line', x), id), pgml.predict('line', x) + 1 FROM many ORDER BY 1 LIMIT 5
INSERT INTO kept SELECT id, (pgml.predict_proba('kinds', x::real[]))[2], 'proba' FROM many
SELECT count(*), sum(value) FROM kept WHERE note = 'proba'
CREATE TABLE probabilities AS SELECT id, pgml.predict_proba('kinds', x) AS p, pgml.predict_proba('kinds', y::real[]) AS q FROM many ORDER BY id
SELECT * FROM probabilities ORDER BY id LIMIT 20
COPY (SELECT id, pgml.predict('line', x), pgml.predict('kinds', y) FROM many WHERE id < 30 ORDER BY id) TO STDOUT
COPY (SELECT id, pgml.predict('line', '{1,2}'::real[]) FROM inputs ORDER BY id) TO STDOUT (FORMAT csv, HEADER)
COPY (SELECT id, pgml.predict('nosuch', x) FROM many) TO STDOUT

-- many rows that are asked for, changed or deleted by a prediction
CREATE TABLE asked AS SELECT g AS id, ARRAY[g % 13, g % 7]::real[] AS x, ARRAY[g % 13, g % 7] AS n, CASE WHEN g % 5 > 0 THEN ARRAY[g % 3, g % 11]::float8[] END AS y, NULL::real AS value, 'a' || g AS name FROM generate_series(1, 600) g
SELECT id FROM asked WHERE pgml.predict('line', x) > 20 ORDER BY id
SELECT count(*), min(id), avg(id) FROM asked AS a WHERE a.id > $1 AND lower(a.name) LIKE 'a%' AND pgml.predict($2::text, ARRAY[a.id % 9, 2]) = 1 -- $ 100 | kinds
SELECT count(*) FROM asked WHERE pgml.predict('line', n) BETWEEN 5 AND 10
SELECT count(*) FROM asked WHERE id < 500 AND (pgml.predict('line', n) BETWEEN 5 AND 10 OR pgml.predict('kinds', y) IS NULL)
SELECT id, pgml.predict('kinds', x) FROM asked WHERE pgml.predict('line', x) > 20 AND pgml.predict('line', x) < 24.5 ORDER BY id
SELECT name, count(*) FROM asked WHERE pgml.predict('line', x) > 22 GROUP BY name HAVING count(*) > 0 ORDER BY name
SELECT d.id FROM asked d WHERE d.id < 30 AND NOT pgml.predict('line', d.x) > 10 ORDER BY d.id FOR UPDATE
SELECT id FROM asked WHERE id < 10 AND pgml.predict('line', ARRAY[id, 1, 2]) > 0
SELECT id FROM asked WHERE pgml.predict('line', ARRAY[id, 1, 2]) > 0 AND id < 0
SELECT id FROM asked WHERE id > 3 OR pgml.predict('line', ARRAY[id, 1, 2]) > 0 ORDER BY id LIMIT 3
SELECT id FROM asked WHERE (cardinality(x) = 3 AND pgml.predict('line', ARRAY[id, 1, 2]) > 0) OR id = 4
SELECT id FROM asked WHERE pgml.predict('nosuch', x) > 0
SELECT id FROM asked WHERE pgml.predict('nosuch', x) > 0 AND id < 0
SELECT id FROM asked WHERE pgml.predict('line', x) > 0 AND nosuch = 1
SELECT id FROM asked WHERE nosuch = 1 AND pgml.predict('line', x) > 0
SELECT id FROM asked WHERE pgml.predict('line', nosuch) > 0
SELECT id FROM asked WHERE pgml.predict('line', id) > 0
SELECT id FROM nosuch WHERE pgml.predict('line', x) > 0
SELECT id FROM asked WHERE pgml.predict('line', x) > 'x'
SELECT id FROM asked WHERE pgml.predict('line', y) IS NULL AND id < 40 ORDER BY id
SELECT id FROM asked WHERE pgml.predict('line', $1) > id AND id < 30 ORDER BY id -- $ {3,4}
UPDATE asked SET value = pgml.predict('line', x)
SELECT count(*), sum(value), max(value) FROM asked
UPDATE asked a SET value = pgml.predict('line', n) + 1, name = 'b' || pgml.predict('kinds', y) WHERE a.id % 2 = 0 AND a.id < $1 RETURNING a.id, value, name -- $ 30
UPDATE asked SET value = pgml.predict('kinds', x), x = ARRAY[1, 2] WHERE id IN (5, 6, 7) AND pgml.predict('line', x) > 0 RETURNING *
UPDATE asked SET value = pgml.predict('kinds', x) WHERE id = 5 RETURNING *
UPDATE asked SET value = pgml.predict('line', ARRAY[id, 1, 2]) WHERE id = 5
UPDATE asked SET value = pgml.predict('line', nosuch)
UPDATE asked SET nosuch = pgml.predict('line', x)
UPDATE asked SET value = pgml.predict('line', x) WHERE nosuch = 1
UPDATE nosuch SET value = pgml.predict('line', x)
CREATE VIEW asking AS SELECT id, x, value FROM asked WHERE id < 50
UPDATE asking SET value = pgml.predict('line', x) + 3
SELECT sum(value) FROM asked
CREATE RULE noted AS ON UPDATE TO asked WHERE new.value > 23 DO ALSO INSERT INTO kept VALUES (new.id, new.value, 'rule')
UPDATE asked SET value = pgml.predict('line', x) WHERE id < 100
SELECT count(*) FROM kept WHERE note = 'rule'
DROP RULE noted ON asked
CREATE TABLE parts (id int, x real[], value real) PARTITION BY RANGE (id)
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (300)
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (300) TO (1000)
INSERT INTO parts SELECT id, x, pgml.predict('line', x) FROM asked WHERE pgml.predict('kinds', n) = 1
SELECT count(*), sum(value) FROM parts
UPDATE parts SET value = pgml.predict('kinds', x), id = id + 200 WHERE pgml.predict('line', x) > 3
SELECT count(*), sum(value), sum(id) FROM parts
DELETE FROM parts WHERE pgml.predict('line', x) < 12 RETURNING id
CREATE TABLE gone AS SELECT id, pgml.predict('line', x) AS p FROM asked WHERE pgml.predict('kinds', n) = 0 ORDER BY id
SELECT * FROM gone ORDER BY id LIMIT 20
SELECT id, v FROM (SELECT id, x, 100 / (id - 3) AS v FROM asked) s WHERE pgml.predict('line', x) > 24 AND id < 40 ORDER BY id
CREATE VIEW dividing AS SELECT id, x, 100 / (id - 3) AS v, ARRAY[abs(10 / (id - 3)), 1]::real[] AS w FROM asked
SELECT id, v FROM dividing WHERE pgml.predict('line', x) > 24 AND id < 40 ORDER BY id
SELECT count(*) FROM dividing WHERE id = 3 OR pgml.predict('line', w) > 3
SELECT a.id, v FROM asked a, LATERAL (SELECT 10 / (a.id - 3) AS v) l WHERE pgml.predict('line', x) > 24 AND id < 40 ORDER BY a.id
SELECT id, ARRAY[name]::int[] FROM asked WHERE pgml.predict('line', x) > 1000
SELECT id IS DISTINCT FROM 3, id FROM asked WHERE pgml.predict('line', x) > 24 AND id < 40 ORDER BY id
SELECT count(*), id % 2 IS DISTINCT FROM 1 AS d FROM asked WHERE pgml.predict('line', x) > 20 GROUP BY 2 ORDER BY 2
SELECT count(*) FROM asked WHERE pgml.predict('line', x) > 12 AND '2020-01-01'::timestamp with time zone > timestamp with time zone '2019-01-01' AND id < 100
UPDATE asked SET value = coalesce(value, pgml.predict('line', y || '{1}'::float8[])) WHERE value IS NOT NULL AND id < 100
SELECT count(*) FROM asked WHERE value IS NOT NULL OR pgml.predict('line', '{1,2}'::real[] || x) > 3
SELECT count(*) FROM asked WHERE pgml.predict('line', x) > $1 AND id < $1 -- $ 7.5
CREATE SEQUENCE looks
CREATE VIEW counting AS SELECT id, x, nextval('looks') AS n FROM asked WHERE id < 20
SELECT count(*) FROM counting WHERE pgml.predict('line', x) > 12
SELECT last_value FROM looks
CREATE OPERATOR public.< (LEFTARG = real, RIGHTARG = int, FUNCTION = float48ge)
CREATE FUNCTION always(real, int) RETURNS boolean LANGUAGE sql AS 'SELECT true'
CREATE OPERATOR public.< (LEFTARG = real, RIGHTARG = int, FUNCTION = always)
SELECT id FROM asked WHERE id < 9 AND pgml.predict('line', x) < 0 ORDER BY id
DROP OPERATOR public.< (real, int)
CREATE TABLE hiding AS SELECT 9 - id AS "pgowl.0", id AS i, x FROM asked WHERE id < 9
SELECT i, pgml.predict('line', x) FROM hiding ORDER BY "pgowl.0"
SELECT id, pgml.predict('line', CASE WHEN id = 590 THEN '{1}'::real[] ELSE x END || '{}'::real[]) + 0, pgml.predict('line', ARRAY[id, 1, 2]) FROM asked ORDER BY pgml.predict('line', x), id LIMIT 1
DELETE FROM asked WHERE pgml.predict('line', x) > 5 AND id < 200
SELECT count(*) FROM asked
INSERT INTO kept SELECT id, pgml.predict('line', ARRAY[id, 1, 2]::real[]) FROM inputs
INSERT INTO kept SELECT id, pgml.predict('nosuch', x) FROM many
INSERT INTO kept SELECT id, pgml.predict('nosuch', x) FROM inputs WHERE x IS NULL RETURNING *
INSERT INTO kept SELECT id, pgml.predict('line', id) FROM inputs
INSERT INTO kept SELECT id, pgml.predict('line', nosuch) FROM inputs
INSERT INTO kept SELECT id, pgml.predict('line', t) FROM inputs
INSERT INTO kept SELECT id, pgml.predict('line', '{' || id || ',2}') FROM inputs RETURNING *
INSERT INTO kept SELECT id, pgml.predict('line', y::numeric[]) FROM inputs RETURNING *
INSERT INTO kept SELECT id, pgml.predict('line', coalesce(x, '{1,1}')) FROM inputs RETURNING *
INSERT INTO kept SELECT row_number() OVER (ORDER BY id DESC), pgml.predict('line', x) FROM inputs RETURNING *
INSERT INTO kept WITH c AS (SELECT * FROM inputs WHERE id < 5) SELECT id, pgml.predict('line', x) FROM c RETURNING *
INSERT INTO kept SELECT generate_series(1, 2), pgml.predict('line', x) FROM inputs RETURNING *
INSERT INTO kept (value, id) SELECT pgml.predict('line', x) AS id, id FROM inputs ORDER BY 1 RETURNING *
INSERT INTO kept SELECT i.id, l.p FROM inputs i, LATERAL (SELECT pgml.predict('line', i.x) AS p) l RETURNING *
INSERT INTO watched SELECT id, x, pgml.predict('line', x) FROM inputs RETURNING *
INSERT INTO kept SELECT id, pgml.predict('line', x) FROM inputs WHERE false RETURNING *
SELECT id, pgml.predict('line', x) INTO more FROM inputs
CREATE TABLE none AS SELECT id, pgml.predict('line', x) FROM inputs WITH NO DATA
SELECT * FROM none

-- parameters where rows are stored
INSERT INTO kept SELECT id + $1, pgml.predict('line', x) FROM inputs WHERE id < $2 RETURNING * -- $ 10 | 4
INSERT INTO kept SELECT id, pgml.predict($1::text, x), pgml.predict($1::text, $2::real[]) || '' FROM inputs RETURNING * -- $ line | {3,4}
INSERT INTO kept SELECT id, pgml.predict('line', ARRAY[id, $1]::real[]) FROM inputs RETURNING * -- $ 4

-- merge
MERGE INTO target t USING inputs i ON t.id = i.id WHEN MATCHED THEN UPDATE SET value = pgml.predict('line', i.x) WHEN NOT MATCHED THEN INSERT VALUES (i.id, pgml.predict('line', i.x), i.x)
SELECT * FROM target ORDER BY id

-- parameters of a statement that changes data
INSERT INTO kept VALUES ($1, pgml.predict($2, $3::real[])) RETURNING * -- $ 5 | line | {3,4}
INSERT INTO kept SELECT id, pgml.predict($1::text, x) FROM inputs WHERE id < $2 RETURNING value -- $ line | 3
UPDATE target SET value = pgml.predict('line', $1::real[]) WHERE id = $2 RETURNING value -- $ {3,4} | 2

-- tables that are made
CREATE TABLE made_as AS SELECT id, pgml.predict('line', x) AS p FROM inputs
SELECT * FROM made_as
CREATE TEMP TABLE made_temp AS SELECT pgml.predict('line', '{3,4}'::real[])
SELECT * FROM made_temp
SELECT id, pgml.predict('line', x) AS p INTO made_into FROM inputs
SELECT * FROM made_into
CREATE MATERIALIZED VIEW made_view AS SELECT id, pgml.predict('line', x) AS p FROM inputs
SELECT * FROM made_view
REFRESH MATERIALIZED VIEW kept_view
SELECT * FROM kept_view
CREATE VIEW again AS SELECT pgml.predict('line', x) AS p FROM inputs
SELECT p FROM again WHERE p > 5

-- cursors
DECLARE c SCROLL CURSOR FOR SELECT id, pgml.predict('line', x) FROM inputs ORDER BY id
FETCH 2 FROM c
MOVE 1 IN c
FETCH ALL FROM c
FETCH BACKWARD 2 FROM c
CLOSE c
DECLARE h CURSOR WITH HOLD FOR SELECT pgml.predict('line', x) FROM inputs ORDER BY id
FETCH h

-- prepared in SQL
PREPARE q AS SELECT id, pgml.predict('line', x) FROM inputs ORDER BY id
EXECUTE q
PREPARE r (text, real[]) AS SELECT pgml.predict($1, $2)
EXECUTE r('line', '{3,4}')
EXECUTE r('line', NULL)
EXECUTE r('nosuch', '{3,4}')
DEALLOCATE q

-- explain
EXPLAIN (COSTS OFF) SELECT 1 FROM inputs WHERE pgml.predict('line', x) > 1
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) SELECT id FROM inputs WHERE pgml.predict('line', x) > 10

-- code
DO $$ DECLARE v real; BEGIN SELECT pgml.predict('line', x) INTO v FROM inputs WHERE id = 1; RAISE NOTICE '%', v; END $$
DO $$ BEGIN PERFORM pgml.predict('nosuch', '{1,2}'::real[]); EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'caught % %', SQLSTATE, SQLERRM; END $$
SELECT guess(x), think(x) FROM inputs WHERE id < 4
SELECT guess(ARRAY[pgml.predict('kinds', x), 3]::real[]) FROM inputs WHERE id < 7
CALL store('{3,4}')
SELECT * FROM kept
CREATE FUNCTION fresh(a real[]) RETURNS SETOF real LANGUAGE sql BEGIN ATOMIC SELECT pgml.predict('line', a); END
SELECT fresh('{3,4}')

-- triggers, checks, generated columns, defaults, domains, indexes
INSERT INTO watched SELECT id, x FROM inputs RETURNING *
UPDATE watched SET x = '{1,1}' WHERE id = 2 RETURNING *
INSERT INTO made (id, x) SELECT id, x FROM inputs RETURNING *
INSERT INTO checked SELECT id, x FROM inputs
INSERT INTO checked VALUES (1, '{1,1}')
INSERT INTO checked VALUES (1, '{12,12}') RETURNING *
INSERT INTO defaulted (id) VALUES (1) RETURNING *
SELECT '{1,1}'::good
SELECT '{9,9}'::good
SET LOCAL enable_seqscan = off
SELECT id FROM indexed WHERE pgml.predict('line', x) > 8 AND pgml.predict('kinds', x) = 1 ORDER BY id
INSERT INTO indexed VALUES (8, '{8,2}')
ALTER TABLE indexed ADD CHECK (pgml.predict('line', x) > 0)
ALTER TABLE kept ADD COLUMN p real DEFAULT pgml.predict('line', '{3,4}'::real[])

-- rules and policies
CREATE RULE r AS ON INSERT TO kept DO ALSO INSERT INTO target VALUES (NEW.id + 50, pgml.predict('line', ARRAY[NEW.id, 2]::real[]))
INSERT INTO kept VALUES (3, 1)
SELECT * FROM target ORDER BY id
CREATE POLICY p ON inputs USING (pgml.predict('line', x) > 9)
ALTER TABLE inputs ENABLE ROW LEVEL SECURITY
SELECT count(*) FROM inputs

-- search_path
SET LOCAL search_path = pgml, public
SELECT predict('line', '{3,4}'::real[])
SELECT id, predict('line', x) FROM inputs
SELECT id, pgml.predict('line', x) FROM inputs
SET LOCAL search_path = nowhere
SELECT pgml.predict('line', x) FROM public.inputs

-- several in one
SELECT 1 AS one
SET LOCAL standard_conforming_strings = off
SELECT id, pgml.predict('line', x) FROM inputs WHERE t <> 'a\'b'
SET LOCAL standard_conforming_strings = on

-- errors
SELECT pgml.predict('nosuch', '{3,4}'::real[])
SELECT pgml.predict('line', '{3}'::real[])
SELECT pgml.predict('line', '{1,2,3}'::real[]) FROM inputs
SELECT pgml.predict('nosuch', x) FROM inputs
SELECT pgml.predict('line', x || '{1}'::real[]) FROM inputs
SELECT id FROM inputs WHERE pgml.predict('nosuch', x) > 1
SELECT pgml.predict('line', nosuch) FROM inputs
SELECT pgml.predict('line', x), 1 / (id - 3) FROM inputs ORDER BY id
SELECT pgml.predict('line', x) FROM nosuch
SELECT pgml.predict('line')
SELECT pgml.predict('line', 'a', 'b')
SELECT pgml.predict('line', 5)
SELECT pgml.predict('line', '{3,x}'::real[])
SELECT pgml.predict('line', $1::real[]) -- $ {3,x}
SELECT pgml.predict('line', '{3,4}')
SELECT pgml.predict('line', '{3,4}'::numeric[])
SELECT pgml.nosuch('line')
SELECT pgml.predict('line', x) FROM inputs GROUP BY id
SELECT pgml.predict('line', x) FROM inputs WHERE
SELECT pgml.predict('line', x) FROM inputs ORDER BY nosuch
INSERT INTO kept SELECT id, pgml.predict('nosuch', x) FROM inputs
UPDATE target SET value = pgml.predict('line', '{1,2,3}')
SELECT 1

-- errors outside a transaction (bare)
SELECT pgml.predict('nosuch', '{3,4}'::real[])
SELECT id, pgml.predict('nosuch', x) FROM inputs
SELECT id, pgml.predict('line', x) FROM inputs WHERE id < 3
BEGIN
SELECT id, pgml.predict('nosuch', x) FROM inputs
SELECT pgml.predict('line', '{3,4}'::real[])
ROLLBACK
SELECT pgml.predict('line', '{3,4}'::real[])

-- isolation (bare)
BEGIN ISOLATION LEVEL SERIALIZABLE
SELECT pgml.predict('line', '{3,4}'::real[]), count(*) FROM inputs
SELECT id FROM inputs WHERE pgml.predict('line', x) > 9
SELECT id, pgml.predict('line', x) FROM inputs
COMMIT
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
SELECT id FROM inputs WHERE pgml.predict('line', x) > 9
SELECT id, pgml.predict('line', x) FROM inputs
SELECT think('{3,4}')
INSERT INTO kept SELECT id, pgml.predict('line', x) FROM inputs
ROLLBACK
BEGIN READ ONLY
SELECT think('{3,4}'), pgml.predict('line', '{3,4}'::real[])
COMMIT

-- savepoints (bare)
BEGIN
INSERT INTO kept VALUES (1, pgml.predict('line', '{3,4}'::real[]))
SAVEPOINT a
INSERT INTO kept SELECT 2, pgml.predict('nosuch', '{3,4}'::real[])
SELECT 1
ROLLBACK TO a
SELECT id, pgml.predict('line', x) FROM inputs WHERE id = 1
SELECT * FROM kept
ROLLBACK

-- its own writes
INSERT INTO inputs VALUES (20, '{2,9}')
SELECT id, pgml.predict('line', x) FROM inputs WHERE id > 10
UPDATE inputs SET x = '{9,9}' WHERE id = 20
SELECT pgml.predict('line', x) FROM inputs WHERE id = 20
SELECT count(*) FROM inputs WHERE pgml.predict('line', x) > 12
