-- kind: insert
INSERT INTO bought SELECT id, item FROM purchases;

-- kind: insert
INSERT INTO bought (item, id) SELECT item, id FROM purchases WHERE item <> ';';

-- kind: insert
INSERT INTO cat.db.bought VALUES (1, 'tea'), (2, 'it''s; milk');

-- kind: insert
INSERT INTO bought (id, item) VALUES (1, CAST(NULL AS STRING));

-- kind: insert
INSERT OVERWRITE bought SELECT * FROM purchases;

-- kind: insert
INSERT OVERWRITE bought PARTITION (day_ = '2024-01-01', hour_ = '3') SELECT id FROM purchases;

-- kind: insert
INSERT INTO bought PARTITION (day_ = '2024-01-01') (id) SELECT id FROM purchases;

-- kind: insert
INSERT INTO bought PARTITION (day_ = 'a;b') VALUES (1);

-- kind: insert
INSERT INTO bought /*+ OPTIONS('sink.parallelism' = '2') */ SELECT * FROM purchases;

-- kind: insert
INSERT INTO bought WITH x AS (SELECT * FROM purchases) SELECT * FROM x;

-- kind: insert
INSERT INTO bought (SELECT * FROM purchases UNION ALL SELECT * FROM returned);

-- kind: insert
INSERT INTO bought SELECT * FROM purchases ORDER BY id LIMIT 3;

-- kind: insert
INSERT INTO bought SELECT id, item FROM purchases ON CONFLICT DO DEDUPLICATE;

-- kind: insert
INSERT INTO bought SELECT id, item FROM purchases ON CONFLICT DO NOTHING;

-- kind: insert
INSERT INTO bought SELECT id, item FROM purchases ON CONFLICT DO ERROR;

-- kind: insert
INSERT INTO bought TABLE purchases;

-- kind: insert
EXECUTE INSERT INTO bought SELECT * FROM purchases;

-- kind: insert
UPDATE bought SET item = 'tea; green', price = price * 1.1 WHERE id = 3;

-- kind: insert
UPDATE bought SET item = NULL;

-- kind: insert
DELETE FROM bought WHERE item = ';' OR price < 0;

-- kind: insert
DELETE FROM bought;

-- kind: insert
TRUNCATE TABLE cat.db.bought;

-- kind: insert
ANALYZE TABLE bought COMPUTE STATISTICS;

-- kind: insert
ANALYZE TABLE bought PARTITION (day_ = '1', hour_) COMPUTE STATISTICS FOR COLUMNS id, item;

-- kind: insert
ANALYZE TABLE bought COMPUTE STATISTICS FOR ALL COLUMNS;

-- kind: insert
EXECUTE STATEMENT SET BEGIN
  INSERT INTO a SELECT * FROM purchases;
  INSERT INTO b SELECT CASE WHEN x THEN 'y;' END FROM returned;
END;

-- kind: insert
EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN b THEN CASE c WHEN 1 THEN 2 END END FROM t; END;

-- kind: insert
EXECUTE STATEMENT SET /* ; all at once */
BEGIN -- one; two
  INSERT INTO a /*+ OPTIONS('x' = ';END;') */ SELECT `END` FROM purchases; -- END;
  INSERT INTO b VALUES ('END;');
END;

-- kind: other
BEGIN STATEMENT SET;

-- kind: insert | sent: no, it ends what a BEGIN STATEMENT SET of the same session began
END;

-- kind: insert
EXECUTE PLAN '/plans/a;b.json';

-- kind: other
COMPILE PLAN '/plans/p.json' FOR INSERT INTO bought SELECT * FROM purchases;

-- kind: other
COMPILE PLAN '/plans/p.json' IF NOT EXISTS FOR INSERT INTO bought SELECT * FROM purchases;

-- kind: other
COMPILE PLAN 'file:///plans/p.json' FOR STATEMENT SET BEGIN
  INSERT INTO a SELECT * FROM purchases;
  INSERT INTO b SELECT * FROM purchases;
END;

-- kind: insert
COMPILE AND EXECUTE PLAN '/plans/p.json' FOR INSERT INTO bought SELECT * FROM purchases;

-- kind: insert
COMPILE AND EXECUTE PLAN '/plans/p.json' FOR STATEMENT SET BEGIN INSERT INTO a SELECT 1 FROM t; INSERT INTO b SELECT 2 FROM t; END;

-- kind: answer
CALL sys.compact('db.t', 3);

-- kind: answer
CALL `sys`.roll_back(`table` => 'db;t', snapshot => 5);

-- kind: answer
CALL cat.sys.expire();
