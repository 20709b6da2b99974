-- kind: query
SELECT * FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '10' MINUTES));

-- kind: query
SELECT * FROM TUMBLE(DATA => TABLE purchases, TIMECOL => DESCRIPTOR(placed), SIZE => INTERVAL '10' MINUTES, `OFFSET` => INTERVAL '1' MINUTES);

-- kind: query
SELECT window_start, window_end, window_time, SUM(price) AS total
FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '10' MINUTE, INTERVAL '2' MINUTE))
GROUP BY window_start, window_end, window_time;

-- kind: query
SELECT window_start, window_end, item, COUNT(*) FROM HOP(TABLE purchases, DESCRIPTOR(placed), INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)
GROUP BY window_start, window_end, item;

-- kind: query
SELECT * FROM TABLE(HOP(DATA => TABLE purchases, TIMECOL => DESCRIPTOR(placed), SLIDE => INTERVAL '5' MINUTES, SIZE => INTERVAL '10' MINUTES));

-- kind: query
SELECT window_start, window_end, SUM(price) FROM TABLE(CUMULATE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '2' MINUTES, INTERVAL '10' MINUTES))
GROUP BY window_start, window_end;

-- kind: query
SELECT * FROM TABLE(CUMULATE(DATA => TABLE purchases, TIMECOL => DESCRIPTOR(placed), STEP => INTERVAL '2' MINUTES, SIZE => INTERVAL '10' MINUTES));

-- kind: query
SELECT window_start, window_end, shop, COUNT(*) FROM TABLE(SESSION(TABLE purchases PARTITION BY shop, DESCRIPTOR(placed), INTERVAL '5' MINUTES))
GROUP BY window_start, window_end, shop;

-- kind: query
SELECT * FROM SESSION(DATA => TABLE purchases PARTITION BY (shop, item), TIMECOL => DESCRIPTOR(placed), GAP => INTERVAL '5' MINUTES);

-- kind: query
SELECT window_start, window_end, GROUPING(shop), SUM(price) FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, GROUPING SETS ((shop), ());

-- kind: query
SELECT window_start, window_end, ROUND(SUM(part), 2) FROM TABLE(TUMBLE(TABLE minutely, DESCRIPTOR(at_time), INTERVAL '1' HOUR))
GROUP BY ROLLUP (window_start, window_end);

-- kind: query
SELECT TUMBLE_START(placed, INTERVAL '1' DAY) AS day_start, TUMBLE_ROWTIME(placed, INTERVAL '1' DAY), SUM(price) FROM purchases
GROUP BY TUMBLE(placed, INTERVAL '1' DAY), shop;

-- kind: query
SELECT HOP_START(placed, INTERVAL '5' MINUTE, INTERVAL '1' HOUR), HOP_END(placed, INTERVAL '5' MINUTE, INTERVAL '1' HOUR), COUNT(*)
FROM purchases GROUP BY HOP(placed, INTERVAL '5' MINUTE, INTERVAL '1' HOUR);

-- kind: query
SELECT SESSION_START(placed, INTERVAL '30' MINUTE), SESSION_END(placed, INTERVAL '30' MINUTE), shop FROM purchases
GROUP BY SESSION(placed, INTERVAL '30' MINUTE), shop;

-- kind: query
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY total DESC) AS place FROM (
    SELECT window_start, window_end, shop, SUM(price) AS total
    FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '10' MINUTES)) GROUP BY window_start, window_end, shop)
) WHERE place <= 3;

-- kind: query
SELECT * FROM (
  SELECT item, price, window_start, window_end, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC) AS place
  FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '10' MINUTES))
) WHERE place <= 3;

-- kind: query
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, id ORDER BY placed DESC) AS seen
  FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(placed), INTERVAL '10' MINUTES))
) WHERE seen <= 1;

-- kind: query
SELECT window_start, MAX(n) FROM TABLE(TUMBLE((SELECT * FROM hourly), DESCRIPTOR(window_time), INTERVAL '1' DAY)) GROUP BY window_start, window_end;
