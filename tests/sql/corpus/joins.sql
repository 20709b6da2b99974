-- kind: query
SELECT * FROM purchases AS p INNER JOIN returned AS r ON p.id = r.id;

-- kind: query
SELECT * FROM purchases p LEFT OUTER JOIN returned r ON p.id = r.id AND r.price > 3;

-- kind: query
SELECT * FROM purchases p RIGHT JOIN returned r ON p.id = r.id;

-- kind: query
SELECT * FROM purchases p FULL OUTER JOIN returned r ON p.id = r.id;

-- kind: query
SELECT * FROM purchases CROSS JOIN returned;

-- kind: query
SELECT p.id, r.price FROM purchases p, returned r WHERE p.id = r.id;

-- kind: query
SELECT id, item FROM purchases JOIN returned USING (id, item);

-- kind: query
SELECT * FROM purchases NATURAL JOIN returned;

-- kind: query
SELECT * FROM purchases p JOIN returned r ON p.id = r.id JOIN sent s ON s.id = p.id JOIN customers c ON c.id = p.customer;

-- kind: query
SELECT p.id FROM purchases p JOIN sent s ON p.id = s.id AND s.at_time BETWEEN p.placed - INTERVAL '4' HOUR AND p.placed;

-- kind: query
SELECT p.id FROM purchases p, sent s
WHERE p.id = s.id AND p.placed >= s.at_time - INTERVAL '10' MINUTE AND p.placed < s.at_time + INTERVAL '5' MINUTE;

-- kind: query
SELECT p.id, p.price * rate AS in_euro FROM purchases AS p
LEFT JOIN rates FOR SYSTEM_TIME AS OF p.placed AS r ON p.currency = r.currency;

-- kind: query
SELECT p.id, c.name FROM purchases AS p JOIN customers FOR SYSTEM_TIME AS OF p.proc AS c ON p.customer = c.id AND c.country = 'NL';

-- kind: query
SELECT p.id, r.rate FROM purchases AS p, LATERAL TABLE (rates_at(p.placed)) AS r WHERE p.currency = r.currency;

-- kind: query
SELECT l.id, r.id FROM (SELECT * FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '5' MINUTES))) AS l
FULL JOIN (SELECT * FROM TABLE(TUMBLE(TABLE sent, DESCRIPTOR(at_time), INTERVAL '5' MINUTES))) AS r
ON l.id = r.id AND l.window_start = r.window_start AND l.window_end = r.window_end;

-- kind: query
SELECT * FROM (SELECT * FROM TABLE(HOP(TABLE purchases, DESCRIPTOR(placed), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))) l
WHERE l.id IN (SELECT id FROM (SELECT * FROM TABLE(HOP(TABLE sent, DESCRIPTOR(at_time), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))) r
  WHERE l.window_start = r.window_start AND l.window_end = r.window_end);

-- kind: query
SELECT country, c.name FROM (SELECT DISTINCT country FROM customers) AS k, LATERAL (
  SELECT name FROM customers WHERE customers.country = k.country ORDER BY spent DESC LIMIT 3) AS c;

-- kind: query
SELECT a.id FROM purchases AS a JOIN purchases AS b ON a.shop = b.shop AND a.id < b.id WHERE a.price = b.price;
