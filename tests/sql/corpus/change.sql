-- kind: definition
ALTER TABLE purchases ADD note STRING COMMENT 'a; note' AFTER item;

-- kind: definition
ALTER TABLE IF EXISTS purchases ADD (seen_at AS PROCTIME() FIRST, PRIMARY KEY (id) NOT ENFORCED, WATERMARK FOR placed AS placed - INTERVAL '3' SECOND);

-- kind: definition
ALTER TABLE purchases ADD PARTITION (d = '2024-01-01', h = '1') WITH ('k' = 'v') PARTITION (d = '2024-01-02', h = '1');

-- kind: definition
ALTER TABLE purchases ADD IF NOT EXISTS PARTITION (d = 'x;y');

-- kind: definition
ALTER TABLE purchases ADD DISTRIBUTION BY HASH(id) INTO 4 BUCKETS;

-- kind: definition
ALTER TABLE purchases MODIFY (price DOUBLE NOT NULL, item STRING COMMENT 'thing' AFTER id, WATERMARK FOR placed AS placed);

-- kind: definition
ALTER TABLE purchases MODIFY shop STRING FIRST;

-- kind: definition
ALTER TABLE purchases MODIFY DISTRIBUTION INTO 5 BUCKETS;

-- kind: definition
ALTER TABLE purchases DROP note;

-- kind: definition
ALTER TABLE purchases DROP (note, shop);

-- kind: definition
ALTER TABLE purchases DROP PRIMARY KEY;

-- kind: definition
ALTER TABLE purchases DROP CONSTRAINT pk;

-- kind: definition
ALTER TABLE purchases DROP WATERMARK;

-- kind: definition
ALTER TABLE purchases DROP DISTRIBUTION;

-- kind: definition
ALTER TABLE purchases DROP IF EXISTS PARTITION (d = '1'), PARTITION (d = '2');

-- kind: definition
ALTER TABLE purchases RENAME item TO thing;

-- kind: definition
ALTER TABLE cat.db.purchases RENAME TO bought;

-- kind: definition
ALTER TABLE purchases SET ('rows-per-second' = '10', 'x' = 'a;b');

-- kind: definition
ALTER TABLE purchases RESET ('rows-per-second');

-- kind: definition
ALTER VIEW v RENAME TO w;

-- kind: definition
ALTER VIEW v AS SELECT id FROM purchases WHERE item = ';';

-- kind: definition
ALTER DATABASE shop_data SET ('k' = 'v');

-- kind: definition
ALTER FUNCTION tax AS 'com.example.Tax2';

-- kind: definition
ALTER TEMPORARY SYSTEM FUNCTION IF EXISTS tax AS 'com.example.Tax2' LANGUAGE JAVA;

-- kind: definition
ALTER CATALOG extra SET ('default-database' = 'd');

-- kind: definition
ALTER CATALOG extra RESET ('default-database');

-- kind: definition
ALTER CATALOG extra COMMENT 'it''s the; second';

-- kind: definition
ALTER MODEL mood SET ('temperature' = '0.2');

-- kind: definition
ALTER MODEL IF EXISTS mood RESET ('temperature');

-- kind: definition
ALTER MODEL mood RENAME TO feeling;

-- kind: definition
ALTER CONNECTION warehouse SET ('url' = 'http://h');

-- kind: definition
ALTER CONNECTION IF EXISTS warehouse RESET ('url');

-- kind: definition
ALTER CONNECTION warehouse RENAME TO store;

-- kind: definition
ALTER MATERIALIZED TABLE best SUSPEND;

-- kind: definition
ALTER MATERIALIZED TABLE best RESUME WITH ('sink.parallelism' = '2');

-- kind: definition
ALTER MATERIALIZED TABLE best RESUME;

-- kind: definition
ALTER MATERIALIZED TABLE best REFRESH PARTITION (d = '2024-01-01');

-- kind: definition
ALTER MATERIALIZED TABLE best SET FRESHNESS = INTERVAL '5' MINUTE;

-- kind: definition
ALTER MATERIALIZED TABLE best SET REFRESH_MODE = FULL;

-- kind: definition
ALTER MATERIALIZED TABLE best SET ('format' = 'json');

-- kind: definition
ALTER MATERIALIZED TABLE best RESET ('format');

-- kind: definition
ALTER MATERIALIZED TABLE best AS SELECT shop, MAX(price) FROM purchases GROUP BY shop;

-- kind: definition
ALTER MATERIALIZED TABLE best ADD (WATERMARK FOR ts AS ts - INTERVAL '3' SECOND);

-- kind: definition
ALTER MATERIALIZED TABLE best DROP DISTRIBUTION;

-- kind: definition
DROP TABLE purchases;

-- kind: definition
DROP TABLE IF EXISTS cat.db.`a;b`;

-- kind: definition
DROP TEMPORARY TABLE IF EXISTS quick;

-- kind: definition
DROP VIEW v;

-- kind: definition
DROP TEMPORARY VIEW IF EXISTS v;

-- kind: definition
DROP DATABASE shop_data;

-- kind: definition
DROP DATABASE IF EXISTS shop_data CASCADE;

-- kind: definition
DROP DATABASE shop_data RESTRICT;

-- kind: definition
DROP FUNCTION tax;

-- kind: definition
DROP TEMPORARY FUNCTION IF EXISTS tax;

-- kind: definition
DROP TEMPORARY SYSTEM FUNCTION IF EXISTS tax;

-- kind: definition
DROP CATALOG extra;

-- kind: definition
DROP CATALOG IF EXISTS extra;

-- kind: definition
DROP MODEL IF EXISTS mood;

-- kind: definition
DROP TEMPORARY MODEL mood;

-- kind: definition
DROP CONNECTION IF EXISTS warehouse;

-- kind: definition
DROP TEMPORARY CONNECTION warehouse;

-- kind: definition
DROP MATERIALIZED TABLE IF EXISTS best;
