-- kind: definition | name: purchases
CREATE TABLE purchases (
  id BIGINT NOT NULL,
  shop STRING,
  item VARCHAR(40) COMMENT 'what was bought; in words',
  price DECIMAL(10, 2),
  placed TIMESTAMP(3),
  WATERMARK FOR placed AS placed - INTERVAL '5' SECOND
) COMMENT 'one row a line of a bill; it''s short' WITH ('connector' = 'datagen');

-- kind: definition | name: `order`
CREATE TABLE `order` (`user` BIGINT, `time` TIMESTAMP_LTZ(3), `select` STRING, `a;b` INT, `it``s` INT) WITH ('connector' = 'datagen');

-- kind: definition | name: t
CREATE TABLE t (price DOUBLE, amount INT, cost AS price * amount COMMENT 'computed', at_time AS PROCTIME()) WITH ('connector' = 'datagen');

-- kind: definition | name: from_kafka
CREATE TABLE from_kafka (
  id BIGINT,
  at_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  `offset` BIGINT METADATA VIRTUAL,
  `partition` INT METADATA FROM 'partition' VIRTUAL,
  `headers` MAP<STRING, BYTES> METADATA,
  WATERMARK FOR at_time AS at_time
) WITH ('connector' = 'kafka', 'topic' = 'a;b', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json');

-- kind: definition | name: keyed
CREATE TABLE keyed (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'k', 'properties.bootstrap.servers' = 'b:9092', 'key.format' = 'json', 'value.format' = 'json');

-- kind: definition | name: keyed_inline
CREATE TABLE keyed_inline (id BIGINT PRIMARY KEY NOT ENFORCED, name STRING) WITH ('connector' = 'blackhole');

-- kind: definition | name: named_key
CREATE TABLE named_key (id BIGINT, k INT, CONSTRAINT pk PRIMARY KEY (id, k) NOT ENFORCED) WITH ('connector' = 'blackhole');

-- kind: definition | name: cat.db.t
CREATE TABLE IF NOT EXISTS cat.db.t (a INT) WITH ('connector' = 'print');

-- kind: definition | name: `my cat`.`d.b`.`t;1`
CREATE TABLE `my cat` . `d.b`.`t;1` (a INT) WITH ('connector' = 'print');

-- kind: definition | name: quick
CREATE TEMPORARY TABLE quick (a INT) WITH ('connector' = 'blackhole');

-- kind: definition | name: quick_again
CREATE TEMPORARY TABLE IF NOT EXISTS quick_again (a INT) WITH ('connector' = 'blackhole');

-- kind: definition | name: daily
CREATE TABLE daily (a INT, day_ STRING, hour_ STRING) PARTITIONED BY (day_, hour_) WITH ('connector' = 'filesystem', 'path' = 'file:///x', 'format' = 'csv');

-- kind: definition | name: spread
CREATE TABLE spread (id BIGINT, name STRING) DISTRIBUTED BY HASH(id) INTO 4 BUCKETS WITH ('connector' = 'blackhole');

-- kind: definition | name: spread2
CREATE TABLE spread2 (id BIGINT) DISTRIBUTED BY (id) WITH ('connector' = 'blackhole');

-- kind: definition | name: spread3
CREATE TABLE spread3 (id BIGINT) DISTRIBUTED INTO 6 BUCKETS WITH ('connector' = 'blackhole');

-- kind: definition | name: spread4
CREATE TABLE spread4 (id BIGINT, d STRING) DISTRIBUTED BY RANGE(id) INTO 2 BUCKETS PARTITIONED BY (d) WITH ('connector' = 'blackhole');

-- kind: definition | name: all_types
CREATE TABLE all_types (
  a CHAR(3), b VARCHAR, c STRING NOT NULL, d BOOLEAN, e BINARY(2), f VARBINARY(3), g BYTES, h DECIMAL, i DEC(4), j NUMERIC(5, 1),
  k TINYINT, l SMALLINT, m INT, n INTEGER, o BIGINT, p FLOAT, q DOUBLE PRECISION, r DATE, s TIME(0), t TIMESTAMP, u TIMESTAMP(9) WITHOUT TIME ZONE,
  v TIMESTAMP(3) WITH LOCAL TIME ZONE, y ARRAY<INT NOT NULL>, z INT ARRAY,
  aa MULTISET<STRING>, ab MAP<STRING, ARRAY<ROW<x INT, y STRING>>>, ac ROW<x INT 'the x', y ROW(z DOUBLE)>, ad VARIANT
) WITH ('connector' = 'blackhole');

-- kind: definition | name: people
CREATE TABLE people (p STRUCTURED<'com.example.Person', name STRING, age INT NOT NULL>, seen BITMAP) WITH ('connector' = 'blackhole');

-- kind: definition | name: copy_of
CREATE TABLE copy_of LIKE purchases;

-- kind: definition | name: copy2
CREATE TABLE copy2 (extra STRING) WITH ('connector' = 'print') LIKE purchases (EXCLUDING ALL INCLUDING GENERATED);

-- kind: definition | name: copy3
CREATE TABLE copy3 (WATERMARK FOR placed AS placed - INTERVAL '1' MINUTE) WITH ('topic' = 'other') LIKE purchases (
  OVERWRITING OPTIONS OVERWRITING WATERMARKS EXCLUDING CONSTRAINTS INCLUDING PARTITIONS INCLUDING METADATA);

-- kind: definition | name: lookup_jdbc
CREATE TABLE lookup_jdbc (id INT, name STRING) WITH ('connector' = 'jdbc', 'url' = 'jdbc:mysql://h/db?a=b;c=d', 'table-name' = 'customers');

-- kind: create as | name: filled
CREATE TABLE filled WITH ('connector' = 'filesystem', 'path' = '/x', 'format' = 'json') AS SELECT id, shop FROM purchases WHERE price > 0;

-- kind: create as | name: filled2
CREATE TABLE IF NOT EXISTS filled2 AS SELECT * FROM purchases;

-- kind: create as | name: filled3
CREATE TABLE filled3 (PRIMARY KEY (id) NOT ENFORCED, twice AS id * 2, WATERMARK FOR placed AS placed) DISTRIBUTED BY (id) INTO 2 BUCKETS
WITH ('connector' = 'blackhole') AS SELECT id, placed FROM purchases;

-- kind: create as | name: filled4
CREATE TABLE filled4 (price, id) WITH ('connector' = 'blackhole') AS SELECT id, price FROM purchases;

-- kind: create as | name: filled5
CREATE TABLE filled5 PARTITIONED BY (shop) WITH ('connector' = 'blackhole') AS WITH x AS (SELECT shop FROM purchases) SELECT * FROM x;

-- kind: create as | name: swapped
REPLACE TABLE swapped WITH ('connector' = 'blackhole') AS SELECT id FROM purchases;

-- kind: create as | name: swapped2
CREATE OR REPLACE TABLE swapped2 COMMENT 'new each night' WITH ('connector' = 'blackhole') AS SELECT id FROM purchases;

-- kind: definition | name: v
CREATE VIEW v AS SELECT * FROM purchases;

-- kind: definition | name: v2
CREATE VIEW v2 (a, b) COMMENT 'two columns; named' AS SELECT id, shop FROM purchases;

-- kind: definition | name: v3
CREATE TEMPORARY VIEW v3 AS SELECT id, CASE WHEN price > 1 THEN 'x' END AS c FROM purchases;

-- kind: definition | name: db.v4
CREATE TEMPORARY VIEW IF NOT EXISTS db.v4 (a) AS WITH x AS (SELECT 1 AS a FROM purchases) SELECT a FROM x;

-- kind: definition | name: v5
CREATE VIEW IF NOT EXISTS v5 AS SELECT 1 AS a FROM purchases UNION ALL VALUES (2);

-- kind: definition
CREATE FUNCTION tax AS 'com.example.Tax';

-- kind: definition
CREATE FUNCTION IF NOT EXISTS db.tax AS 'com.example.Tax' LANGUAGE JAVA USING JAR '/jars/a;b.jar', JAR 'hdfs:///c.jar';

-- kind: definition
CREATE TEMPORARY FUNCTION tax AS 'com.example.Tax' LANGUAGE SCALA;

-- kind: definition
CREATE TEMPORARY SYSTEM FUNCTION IF NOT EXISTS tax AS 'shop.tax' LANGUAGE PYTHON;

-- kind: definition
CREATE FUNCTION tax AS 'com.example.Tax' USING ARTIFACT 'file:///x.bin' WITH ('rate' = '0.19');

-- kind: definition
CREATE DATABASE shop_data;

-- kind: definition
CREATE DATABASE IF NOT EXISTS cat.shop_data COMMENT 'all; of it' WITH ('hive.version' = '3');

-- kind: definition
CREATE CATALOG extra WITH ('type' = 'generic_in_memory', 'default-database' = 'main');

-- kind: definition
CREATE CATALOG IF NOT EXISTS extra COMMENT 'second' WITH ('type' = 'generic_in_memory');

-- kind: definition
CREATE MODEL mood INPUT (words STRING) OUTPUT (mood STRING COMMENT 'glad; or sad') COMMENT 'moods' WITH ('provider' = 'openai', 'task' = 'classification');

-- kind: definition
CREATE TEMPORARY MODEL IF NOT EXISTS mood INPUT (words STRING) OUTPUT (mood STRING) WITH ('provider' = 'openai');

-- kind: definition
CREATE CONNECTION warehouse WITH ('type' = 'basic', 'url' = 'http://h;p', 'password' = 'x''y');

-- kind: definition
CREATE TEMPORARY CONNECTION IF NOT EXISTS warehouse COMMENT 'for tests' WITH ('type' = 'basic');

-- kind: definition
CREATE TEMPORARY SYSTEM CONNECTION warehouse WITH ('type' = 'basic');

-- kind: create as | name: best
CREATE MATERIALIZED TABLE best FRESHNESS = INTERVAL '3' MINUTE AS SELECT shop, SUM(price) AS total FROM purchases GROUP BY shop;

-- kind: create as | name: cat.db.best
CREATE MATERIALIZED TABLE cat.db.best (CONSTRAINT pk PRIMARY KEY (shop) NOT ENFORCED) COMMENT 'best; ever' PARTITIONED BY (shop)
WITH ('format' = 'json') FRESHNESS = INTERVAL '1' HOUR REFRESH_MODE = FULL AS SELECT shop, COUNT(*) AS n FROM purchases GROUP BY shop;

-- kind: create as | name: best
CREATE MATERIALIZED TABLE best (shop STRING, n BIGINT) DISTRIBUTED BY HASH(shop) INTO 3 BUCKETS REFRESH_MODE = CONTINUOUS AS SELECT shop, n FROM counts;

-- kind: create as | name: best
CREATE OR ALTER MATERIALIZED TABLE best AS SELECT shop FROM purchases;

-- kind: create as | name: best
CREATE MATERIALIZED TABLE best START_MODE = FROM_BEGINNING AS SELECT shop FROM purchases;

-- kind: create as | name: best
CREATE OR ALTER MATERIALIZED TABLE best START_MODE = RESUME_OR_FROM_NOW(INTERVAL '7' DAY) AS SELECT shop FROM purchases;

-- kind: definition
CREATE MODEL learnt WITH ('provider' = 'openai') AS SELECT words, mood FROM reviews;
