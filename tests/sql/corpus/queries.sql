-- kind: query
SELECT 1;

-- kind: query
SELECT 'over' AS s, 1 AS i, 1.5 AS d, 2e-3 AS e, TRUE AS b, CAST(NULL AS STRING) AS n, X'1f' AS bin, u&'\00fc' AS u;

-- kind: query
select distinct shop, item from purchases;

-- kind: query
SELECT ALL shop FROM purchases;

-- kind: query
SELECT p.*, p.price * p.amount AS total FROM shop_data.`default_database`.purchases AS p;

-- kind: query
SELECT * FROM purchases WHERE price > 10 AND item LIKE '10\%%' ESCAPE '\' OR item IN ('tea', 'milk') AND NOT (shop IS NULL);

-- kind: query
SELECT * FROM purchases WHERE price BETWEEN SYMMETRIC 9 AND 3 AND item NOT SIMILAR TO 'a|b' AND amount IS DISTINCT FROM 2;

-- kind: query
SELECT shop, COUNT(*) AS n, COUNT(DISTINCT item) FILTER (WHERE price > 1) AS items, SUM(price) FROM purchases GROUP BY shop;

-- kind: query
SELECT shop, item, SUM(price) FROM purchases GROUP BY GROUPING SETS ((shop, item), (shop), ());

-- kind: query
SELECT shop, item, GROUPING_ID(shop, item), AVG(price) FROM purchases GROUP BY ROLLUP (shop, item);

-- kind: query
SELECT shop, item, MAX(price) FROM purchases GROUP BY CUBE (shop, item) HAVING MAX(price) > 3;

-- kind: query
SELECT shop, LISTAGG(item, ';') FROM purchases GROUP BY shop HAVING COUNT(*) > 2;

-- kind: query | order: placed | limit: 20
SELECT * FROM purchases ORDER BY placed LIMIT 20;

-- kind: query | order: placed ASC & price DESC NULLS LAST & 3
SELECT placed, price, item FROM purchases ORDER BY placed ASC, price DESC NULLS LAST, 3;

-- kind: query | order: price | limit: 3
SELECT * FROM purchases ORDER BY price LIMIT 3 OFFSET 2;

-- kind: query | order: price
SELECT * FROM purchases ORDER BY price OFFSET 5 ROWS FETCH NEXT 4 ROWS ONLY;

-- kind: query | limit: 7
SELECT * FROM purchases LIMIT 7;

-- kind: query
SELECT * FROM purchases FETCH FIRST 4 ROWS ONLY;

-- kind: query
SELECT * FROM purchases LIMIT ALL;

-- kind: query
WITH dear AS (SELECT * FROM purchases WHERE price > 100) SELECT shop, COUNT(*) FROM dear GROUP BY shop;

-- kind: query | limit: 5
WITH a (x, y) AS (SELECT shop, price FROM purchases), b AS (SELECT x, MAX(y) AS m FROM a GROUP BY x LIMIT 9)
SELECT * FROM b LIMIT 5;

-- kind: query
VALUES (1, 'one'), (2, 'two; or more');

-- kind: query
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (id, name);

-- kind: query | order: 1
VALUES 3, 1, 2 ORDER BY 1;

-- kind: query
TABLE purchases;

-- kind: query
(SELECT 1);

-- kind: query
((SELECT item FROM purchases) UNION ALL (SELECT item FROM returned));

-- kind: query | order: item | limit: 4
(SELECT item FROM purchases) UNION (SELECT item FROM returned LIMIT 3) ORDER BY item LIMIT 4;

-- kind: query
SELECT item FROM purchases UNION SELECT item FROM returned;

-- kind: query
SELECT item FROM purchases UNION ALL SELECT item FROM returned;

-- kind: query
SELECT item FROM purchases INTERSECT SELECT item FROM returned;

-- kind: query
SELECT item FROM purchases INTERSECT ALL SELECT item FROM returned;

-- kind: query
SELECT item FROM purchases EXCEPT SELECT item FROM returned;

-- kind: query
SELECT item FROM purchases EXCEPT ALL SELECT item FROM returned;

-- kind: query
SELECT * FROM purchases WHERE item IN (SELECT item FROM returned);

-- kind: query
SELECT * FROM purchases AS p WHERE EXISTS (SELECT 1 FROM returned AS r WHERE r.item = p.item);

-- kind: query
SELECT * FROM purchases AS p WHERE NOT EXISTS (SELECT 1 FROM returned AS r WHERE r.item = p.item);

-- kind: query
SELECT item, (SELECT MAX(price) FROM returned) AS dearest FROM purchases;

-- kind: query
SELECT CASE WHEN price > 10 THEN 'dear; indeed' WHEN price > 5 THEN 'fair' ELSE 'cheap' END AS class FROM purchases;

-- kind: query
SELECT CASE item WHEN 'tea' THEN CASE shop WHEN 'a' THEN 1 END ELSE 2 END FROM purchases;

-- kind: query
SELECT CAST(price AS DECIMAL(10, 2)), TRY_CAST(item AS INT), COALESCE(shop, 'none'), NULLIF(amount, 0) FROM purchases;

-- kind: query
SELECT ARRAY[1, 2, 3][1], MAP['a', 1, 'b', 2]['a'], ROW(1, 'x'), CARDINALITY(ARRAY['a']) AS n;

-- kind: query
SELECT EXTRACT(HOUR FROM placed), FLOOR(placed TO DAY), CEIL(placed TO HOUR), TIMESTAMPADD(MINUTE, 5, placed) FROM purchases;

-- kind: query
SELECT DATE '2024-02-29', TIME '10:11:12', TIMESTAMP '2024-02-29 10:11:12.123', INTERVAL '1 02:03' DAY TO MINUTE, INTERVAL '2-3' YEAR TO MONTH;

-- kind: query
SELECT TRIM(BOTH 'x' FROM item), SUBSTRING(item FROM 2 FOR 3), POSITION('a' IN item), OVERLAY(item PLACING 'b' FROM 1 FOR 2) FROM purchases;

-- kind: query
SELECT item || '-' || shop, price % 2, -amount, +amount, price / 3, (price + 1) * 2 FROM purchases;

-- kind: query
SELECT JSON_VALUE('{"a": {"b": 1}}', '$.a.b' RETURNING INT DEFAULT 0 ON EMPTY), JSON_EXISTS('{"a": 1}', '$.a'), '{"a": 1}' IS JSON OBJECT;

-- kind: query
SELECT JSON_OBJECT(KEY 'item' VALUE item NULL ON NULL), JSON_ARRAY(1, 2 ABSENT ON NULL), JSON_QUERY('{"a": []}', '$.a' WITH WRAPPER) FROM purchases;

-- kind: query
SELECT JSON_OBJECTAGG(KEY item VALUE price), JSON_ARRAYAGG(item) FROM purchases;

-- kind: query
SELECT CURRENT_TIMESTAMP, CURRENT_DATE, LOCALTIME, NOW(), PROCTIME(), CURRENT_WATERMARK(placed), CURRENT_ROW_TIMESTAMP() FROM purchases;

-- kind: query
SELECT parts.* FROM (SELECT ROW(1, 'a') AS r) AS s, LATERAL (SELECT s.r.EXPR$0 AS first_one) AS parts;

-- kind: query
SELECT p.item, w.word FROM purchases AS p, UNNEST(ARRAY['x', 'y']) AS w (word);

-- kind: query
SELECT t.id, k, v FROM tagged AS t CROSS JOIN UNNEST(t.labels) AS l (k, v);

-- kind: query
SELECT t.id, tag, place FROM tagged AS t LEFT JOIN UNNEST(t.tags) WITH ORDINALITY AS u (tag, place) ON TRUE;

-- kind: query
SELECT shop, item, price, ROW_NUMBER() OVER (PARTITION BY shop ORDER BY placed) AS n FROM purchases;

-- kind: query
SELECT item, SUM(price) OVER (PARTITION BY item ORDER BY placed RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) FROM purchases;

-- kind: query
SELECT item, AVG(price) OVER w AS mean, MIN(price) OVER w AS least FROM purchases
WINDOW w AS (PARTITION BY item ORDER BY placed ROWS BETWEEN 10 PRECEDING AND CURRENT ROW);

-- kind: query
SELECT item, LAG(price, 1, 0) OVER (PARTITION BY item ORDER BY placed), LEAD(price) OVER (PARTITION BY item ORDER BY placed) FROM purchases;

-- kind: query
SELECT item, COUNT(*) OVER (ORDER BY placed ROWS UNBOUNDED PRECEDING) FROM purchases;

-- kind: query
SELECT shop, item, sold FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY shop ORDER BY sold DESC) AS place
  FROM (SELECT shop, item, SUM(amount) AS sold FROM purchases GROUP BY shop, item)
) WHERE place <= 3;

-- kind: query
SELECT id, item FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY placed ASC) AS seen FROM purchases
) WHERE seen = 1;

-- kind: query
SELECT id, item, price FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY placed DESC) AS seen FROM purchases
) WHERE seen = 1;

-- kind: query
SELECT id, item, price FROM purchases QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY placed DESC) = 1;

-- kind: query
SELECT * FROM purchases FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-01 00:00:00';

-- kind: query
SELECT * FROM lake.db.purchases FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-01 00:00:00' - INTERVAL '1' DAY AS p WHERE p.price > 3;

-- kind: query
SELECT * FROM purchases
MATCH_RECOGNIZE (
  PARTITION BY shop
  ORDER BY placed
  MEASURES FIRST(DOWN.price) AS top_price, LAST(DOWN.price) AS low_price, UP.price AS next_price
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST UP
  PATTERN (START_ROW DOWN+ UP)
  DEFINE DOWN AS DOWN.price < PREV(DOWN.price, 1), UP AS UP.price > LAST(DOWN.price)
) AS dips;

-- kind: query
SELECT m.n FROM purchases MATCH_RECOGNIZE (
  ORDER BY placed
  MEASURES COUNT(A.id) AS n, MATCH_ROWTIME() AS at_time
  PATTERN (A{2,} B*? C) WITHIN INTERVAL '1' HOUR
  DEFINE A AS A.price > 1, C AS SUM(A.price) < 1000
) AS m;

-- kind: query | limit: 3
SELECT * FROM purchases MATCH_RECOGNIZE (
  PARTITION BY item ORDER BY placed MEASURES A.shop AS shop
  AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) DEFINE B AS B.price = A.price
) LIMIT 3;

-- kind: query
SELECT * FROM purchases /*+ OPTIONS('scan.startup.mode' = 'earliest-offset', 'a' = 'x;y') */;

-- kind: query
SELECT p.item FROM purchases /*+ OPTIONS('rows-per-second' = '1') */ AS p JOIN returned /*+ OPTIONS('number-of-rows' = '2') */ AS r ON p.id = r.id;

-- kind: query
SELECT /*+ STATE_TTL('p' = '1d', 'r' = '12h') */ p.item FROM purchases AS p JOIN returned AS r ON p.id = r.id;

-- kind: query
SELECT /*+ STATE_TTL('purchases' = '1h') */ shop, COUNT(*) FROM purchases GROUP BY shop;

-- kind: query
SELECT /*+ BROADCAST(r) */ * FROM purchases AS p JOIN returned AS r ON p.id = r.id;

-- kind: query
SELECT /*+ SHUFFLE_HASH(p), SHUFFLE_MERGE(r) */ * FROM purchases AS p JOIN returned AS r ON p.id = r.id;

-- kind: query
SELECT /*+ NEST_LOOP(r) */ * FROM purchases AS p JOIN returned AS r ON p.id > r.id;

-- kind: query
SELECT /*+ MULTI_JOIN(p, r, s) */ * FROM purchases AS p JOIN returned AS r ON p.id = r.id JOIN sent AS s ON p.id = s.id;

-- kind: query
SELECT /*+ LOOKUP('table' = 'c', 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '50') */ p.id, c.name
FROM purchases AS p JOIN customers FOR SYSTEM_TIME AS OF p.proc AS c ON p.customer = c.id;

-- kind: query
SELECT /*+ LOOKUP('table'='c', 'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='10s', 'max-attempts'='3') */ *
FROM purchases AS p LEFT JOIN customers FOR SYSTEM_TIME AS OF p.proc AS c ON p.customer = c.id;

-- kind: query
SELECT * FROM TO_CHANGELOG(input => TABLE purchase_counts PARTITION BY shop);

-- kind: query
SELECT * FROM TO_CHANGELOG(input => TABLE purchase_counts PARTITION BY shop, op => DESCRIPTOR(what), op_mapping => MAP['INSERT', 'I', 'DELETE', 'D']);

-- kind: query
SELECT * FROM FROM_CHANGELOG(input => TABLE raw_changes PARTITION BY id, op => DESCRIPTOR(op));

-- kind: query
SELECT * FROM visits_of(input => TABLE purchases PARTITION BY shop, on_time => DESCRIPTOR(placed), uid => 'visits-v1');

-- kind: query
SELECT * FROM pair_up(a => TABLE purchases PARTITION BY id ORDER BY placed, b => TABLE returned PARTITION BY id);

-- kind: query
SELECT * FROM ML_PREDICT(TABLE reviews, MODEL mood, DESCRIPTOR(words));

-- kind: query
SELECT * FROM ML_PREDICT(INPUT => TABLE reviews, MODEL => MODEL mood, ARGS => DESCRIPTOR(words), CONFIG => MAP['async', 'true']);

-- kind: query
SELECT * FROM reviews, LATERAL TABLE(VECTOR_SEARCH(TABLE books, DESCRIPTOR(vec), reviews.vec, 5));

-- kind: query
SELECT tax(price), lib.db.tax(price, rate => 3) FROM purchases;

-- kind: query
SELECT p.id, w.word FROM purchases AS p LEFT JOIN LATERAL TABLE(words_of(p.item)) AS w (word) ON TRUE;

-- kind: query
EXECUTE SELECT shop, COUNT(*) FROM purchases GROUP BY shop;

-- kind: query
EXECUTE WITH a AS (SELECT 1 AS x FROM purchases) SELECT x FROM a;
