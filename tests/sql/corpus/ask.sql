-- kind: answer
EXPLAIN SELECT shop, COUNT(*) FROM purchases GROUP BY shop;

-- kind: answer
EXPLAIN PLAN FOR SELECT * FROM purchases;

-- kind: answer
EXPLAIN ESTIMATED_COST, CHANGELOG_MODE, JSON_EXECUTION_PLAN, PLAN_ADVICE SELECT * FROM purchases;

-- kind: answer
EXPLAIN CHANGELOG_MODE INSERT INTO bought SELECT * FROM purchases;

-- kind: answer
EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT * FROM purchases; INSERT INTO b SELECT ';' FROM purchases; END;

-- kind: answer
EXPLAIN PLAN FOR STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN 1 END FROM purchases; END;

-- kind: answer
EXPLAIN PLAN_ADVICE STATEMENT SET BEGIN INSERT INTO a SELECT x FROM purchases; INSERT INTO b SELECT x FROM purchases; END;

-- kind: answer
EXPLAIN WITH x AS (SELECT 1) SELECT * FROM x;

-- kind: answer
EXPLAIN VALUES (1);

-- kind: answer
EXPLAIN CREATE TABLE filled WITH ('connector' = 'blackhole') AS SELECT * FROM purchases;

-- kind: answer
DESCRIBE purchases;

-- kind: answer
DESCRIBE EXTENDED cat.db.purchases;

-- kind: answer
DESC `a;b`;

-- kind: answer
DESCRIBE CATALOG EXTENDED extra;

-- kind: answer
DESC CATALOG extra;

-- kind: answer
DESCRIBE DATABASE shop_data;

-- kind: answer
DESC DATABASE EXTENDED cat.shop_data;

-- kind: answer
DESCRIBE FUNCTION EXTENDED tax;

-- kind: answer
DESCRIBE MODEL mood;

-- kind: answer
DESCRIBE CONNECTION warehouse;

-- kind: answer
DESCRIBE JOB '228d70913eab60dda85c5e7f78b5782c';

-- kind: answer
SHOW CATALOGS;

-- kind: answer
SHOW CATALOGS NOT ILIKE '%x;%';

-- kind: answer
SHOW CURRENT CATALOG;

-- kind: answer
SHOW CREATE CATALOG extra;

-- kind: answer
SHOW DATABASES;

-- kind: answer
SHOW DATABASES FROM extra LIKE 'a%';

-- kind: answer
SHOW CURRENT DATABASE;

-- kind: answer
SHOW TABLES;

-- kind: answer
SHOW TABLES IN cat.db NOT LIKE '%_old';

-- kind: answer
SHOW CREATE TABLE cat.db.purchases;

-- kind: answer
SHOW COLUMNS FROM purchases LIKE '%;%';

-- kind: answer
SHOW COLUMNS IN purchases;

-- kind: answer
SHOW PARTITIONS purchases PARTITION (day_ = '2024-01-01');

-- kind: answer
SHOW PROCEDURES FROM cat.sys ILIKE 'c%';

-- kind: answer
SHOW VIEWS;

-- kind: answer
SHOW VIEWS FROM db LIKE 'v_';

-- kind: answer
SHOW CREATE VIEW v;

-- kind: answer
SHOW MATERIALIZED TABLES FROM db LIKE 'b%';

-- kind: answer
SHOW CREATE MATERIALIZED TABLE best;

-- kind: answer
SHOW CREATE OR ALTER MATERIALIZED TABLE best;

-- kind: answer
SHOW FUNCTIONS;

-- kind: answer
SHOW USER FUNCTIONS FROM db LIKE 't%';

-- kind: answer
SHOW MODULES;

-- kind: answer
SHOW FULL MODULES;

-- kind: answer
SHOW MODELS FROM cat.db LIKE '%m%';

-- kind: answer
SHOW CREATE MODEL mood;

-- kind: answer
SHOW CONNECTIONS;

-- kind: answer
SHOW CREATE CONNECTION warehouse;

-- kind: answer
SHOW JARS;

-- kind: answer
SHOW JOBS;

-- kind: answer
EXPLAIN EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT ';END' FROM purchases; INSERT INTO b SELECT 2 FROM purchases; END;

-- kind: answer
EXPLAIN EXECUTE SELECT * FROM purchases;

-- kind: answer
SHOW FUNCTIONS IN db NOT ILIKE '%T%';
