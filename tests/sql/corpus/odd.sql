-- kind: query
SELECT 'a;b', 'it''s', '', '''', '--', '/*', '*/', '//', '`', '"';

-- kind: query
SELECT 1 /* ; */ + /* -- */ 2 -- ; and more
  + 3;

-- kind: query
SELECT 1 // ; a comment, too
  + 2;

-- kind: query
SELECT /**/ 1 /****/ + /* a * b / c ; */ 2;

-- kind: query
SELECT 1 /***/; this does not end the comment, but this: */ + 2;

-- kind: query
SELECT 1 /** ; **/ + 2;

-- kind: query
SELECT 1 /* comments /* do not nest; */ + 2;

-- kind: query
SELECT -- it's; fine
  1;

-- kind: query
SELECT 'first line;
second line; -- no comment
third line' AS lines;

-- kind: query
SELECT `a;b`, `it``s`, `--`, `/*;*/`, `select` FROM `t;1`;

-- kind: query
SELECT 'größe; 名前; 😀' AS `größe`, 'é' AS é;

-- kind: query | sent: no, double quotes are not in Flink's SQL, and what stands in them is no end
SELECT "quoted;text" FROM purchases;

-- kind: query
SELECT E'it\'s; \n fine' AS s, e'\\' AS t;

-- kind: query
SELECT 'no\' AS s, ';' AS t;

-- kind: query
SELECT _UTF8'x;y' AS s, N'n;' AS t, U&'\0041;' AS u;

-- kind: query
SELECT price*-1,price- -1,price/2,amount%2,1.e3,.5,1e-3,id<>2,id<=2 FROM purchases;

-- kind: query
SELECT a$b, $c, EXPR$0 FROM t$snapshots;

-- kind: query | order: f ( a , b ) & CASE WHEN a THEN b END DESC | limit: 12
SELECT * FROM t ORDER BY f(a, b), CASE WHEN a THEN b END DESC LIMIT 12;

-- kind: query
SELECT LIMIT_, `LIMIT`, 'LIMIT 3' /* LIMIT 3 */ FROM t;

-- kind: query | limit: 10
SELECT * FROM (SELECT * FROM t ORDER BY a LIMIT 3) LIMIT /* ten; */ 10;

-- kind: query
  SELECT
	1,	2
;

-- kind: query
sElEcT * fRoM purchases wHeRe ITEM = 'SELECT; FROM';

-- kind: definition | name: Mixed_Case9
create TABLE Mixed_Case9 (A int) with ('connector'='blackhole');

-- kind: definition | name: tägliche_größe
CREATE TABLE tägliche_größe (a INT) WITH ('connector' = 'blackhole');

-- kind: definition | name: 注文
CREATE TABLE 注文 (`名前` STRING COMMENT '名前; はい') WITH ('connector' = 'blackhole');

-- kind: definition | name: t
CREATE /* ; */ TABLE -- name; follows
  t -- columns;
  (a INT /* ; */) WITH ('connector' = 'blackhole');

-- kind: definition | name: v
CREATE VIEW v AS SELECT 'AS; SELECT' AS `AS` FROM purchases;

-- kind: definition | name: t
CREATE TABLE t (a INT, b AS a + 1, c AS CASE WHEN a > 1 THEN ';' END) WITH ('k' = 'AS SELECT; 1', 'connector' = 'blackhole');

-- kind: definition
CREATE FUNCTION f AS 'a;b$C';

-- kind: insert
INSERT/* ; */INTO t VALUES(1,'a'),(2,';');

-- kind: answer
SHOW/* ; */TABLES;

-- kind: other | sent: no, no statement of any version: what is not known goes through untouched
FROBNICATE THE 'x;y' (a, b);

-- kind: other | sent: no, a procedural block is not in Flink's SQL: the parts are sent as they are
BEGIN;

-- kind: other | sent: no, not in 2.3: MERGE is a word of its parser and no statement
MERGE INTO bought AS b USING purchases AS p ON b.id = p.id WHEN MATCHED THEN UPDATE SET item = p.item;

-- kind: other | sent: no, not in 2.3: GRANT belongs to other SQL
GRANT SELECT ON purchases TO 'x;y';
