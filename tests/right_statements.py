"""Statements that are right: no check may say anything about them. Those of Flink were planned by it."""

from streammagic.sql.catalog import Column

ID, KEY, AMOUNT = Column("id", "INT"), Column("k", "STRING"), Column("v", "INT")
TIME = Column("ts", "TIMESTAMP(3)", is_time=True)
RAW = Column("raw_ts", "TIMESTAMP(3)")
PROC = Column("pt", "TIMESTAMP_LTZ(3)", is_time=True)

COLUMNS = {
    "t": (ID, KEY, AMOUNT, Column("emit", "INT"), Column("arr", "ARRAY<INT>"), TIME, RAW, PROC),
    "u": (ID, KEY, AMOUNT, TIME),
    "default_catalog.default_database.t": (ID, KEY, AMOUNT, TIME),
    "plain": (ID, Column("ts", "TIMESTAMP(3)")),
    "emit": (ID, KEY),
    "rates": (ID, AMOUNT, TIME),
    "`odd JOIN`": (ID, KEY, Column("window", "INT"), Column("my ts", "TIMESTAMP(3)", is_time=True)),
}
"""What the tables have that `TABLES` makes, as a catalog tells it."""

_GENERATED = "WITH ('connector' = 'datagen')"
TABLES = (
    (
        "CREATE TABLE t (id INT, k STRING, v INT, emit INT, arr ARRAY<INT>, ts TIMESTAMP(3), "
        f"raw_ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) {_GENERATED}"
    ),
    f"CREATE TABLE u (id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) {_GENERATED}",
    f"CREATE TABLE plain (id INT, ts TIMESTAMP(3)) {_GENERATED}",
    f"CREATE TABLE emit (id INT, k STRING) {_GENERATED}",
    (
        "CREATE TABLE rates (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, "
        f"PRIMARY KEY (id) NOT ENFORCED) {_GENERATED}"
    ),
    (
        "CREATE TABLE `odd JOIN` (id INT, k STRING, `window` INT, `my ts` TIMESTAMP(3), "
        f"WATERMARK FOR `my ts` AS `my ts`) {_GENERATED}"
    ),
    "CREATE TABLE sink (id INT, k STRING) WITH ('connector' = 'blackhole')",
    "CREATE TABLE counts (k STRING, n BIGINT) WITH ('connector' = 'blackhole')",
    "CREATE TABLE hours (`from` TIMESTAMP(3), `to` TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole')",
)

_HOUR = "INTERVAL '1' HOUR"
_T = f"TUMBLE(TABLE t, DESCRIPTOR(ts), {_HOUR})"
_U = f"TUMBLE(TABLE u, DESCRIPTOR(ts), {_HOUR})"

EMIT_AS_A_NAME = (
    "SELECT emit changes FROM t",
    "SELECT id, emit changes FROM t",
    "SELECT v * emit changes FROM t",
    "SELECT t.emit changes FROM t",
    "SELECT CASE WHEN v = 1 THEN emit END changes FROM t",
    "SELECT emit AS changes FROM t",
    "SELECT id FROM t emit",
    "SELECT * FROM emit changes",
    "SELECT * FROM emit changes LIMIT 3",
    "SELECT * FROM emit AS changes",
    "SELECT * FROM emit FINAL",
    "SELECT * FROM emit /*+ OPTIONS('number-of-rows' = '3') */ changes",
    "SELECT t.id FROM t, emit changes WHERE t.id = changes.id",
    "SELECT t.id FROM t, emit changes",
    "SELECT t.id FROM t NATURAL JOIN emit changes",
    "SELECT t.id FROM t JOIN emit changes ON t.id = changes.id",
    "SELECT * FROM default_catalog.default_database.emit changes",
    "SELECT (SELECT COUNT(*) FROM emit changes) AS n FROM t",
    "SELECT * FROM (SELECT id FROM emit changes)",
    "SELECT * FROM t WHERE id IN (SELECT id FROM emit changes)",
    "WITH changes AS (SELECT * FROM emit changes) SELECT * FROM changes",
    "SELECT * FROM (VALUES (1)) emit (changes)",
    "SELECT * FROM (TABLE emit) changes",
    "SELECT id FROM emit changes UNION ALL SELECT id FROM emit changes",
    (
        "SELECT x FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES a.id AS x PATTERN (a emit changes) "
        "DEFINE a AS TRUE, emit AS TRUE, changes AS TRUE)"
    ),
    "SELECT 'a FROM b EMIT CHANGES' FROM t",
    "SELECT k FROM t WHERE k = ' EMIT CHANGES'",
    "SELECT id FROM t -- EMIT CHANGES",
    "SELECT id FROM t /* EMIT CHANGES */",
    "SELECT id AS `EMIT CHANGES` FROM t",
)
"""Right SQL of Flink that has EMIT CHANGES in it, or nearly."""

EMIT_AT_THE_END = (
    "SELECT * FROM t EMIT CHANGES",
    "select * from t emit changes",
    "SELECT * FROM t EMIT FINAL",
    "SELECT * FROM t EMIT CHANGES LIMIT 3",
    "SELECT id FROM t LIMIT 3 EMIT CHANGES",
    "SELECT * FROM t x EMIT CHANGES",
    "SELECT * FROM t AS x EMIT CHANGES",
    "SELECT * FROM `t` EMIT CHANGES",
    "SELECT * FROM t /*+ OPTIONS('number-of-rows' = '3') */ EMIT CHANGES",
    "SELECT * FROM t WHERE id = 1 EMIT CHANGES",
    "SELECT * FROM t WHERE k = 'a' EMIT /* c */ CHANGES",
    "SELECT * FROM t WHERE k IS NULL EMIT CHANGES",
    "SELECT * FROM t WHERE TRUE EMIT CHANGES",
    "SELECT * FROM t WHERE arr[1] = arr[2] EMIT CHANGES",
    "SELECT k, COUNT(*) FROM t GROUP BY k EMIT CHANGES",
    "SELECT k, COUNT(*) FROM t GROUP BY k HAVING COUNT(*) > 1 EMIT CHANGES",
    "SELECT * FROM (SELECT id FROM t EMIT CHANGES)",
    "(SELECT * FROM t EMIT CHANGES)",
    "SELECT * FROM emit EMIT CHANGES",
    "SELECT * FROM emit changes EMIT CHANGES",
    "SELECT emit changes FROM t EMIT CHANGES",
    "SELECT id FROM t UNION ALL SELECT id FROM u EMIT CHANGES",
    "SELECT id FROM t EMIT CHANGES UNION ALL SELECT id FROM u",
    "SELECT t.id FROM t JOIN u ON t.id = u.id EMIT CHANGES",
    "SELECT id FROM t JOIN emit USING (id) EMIT CHANGES",
    f"SELECT * FROM TABLE({_T}) EMIT CHANGES",
    "INSERT INTO sink SELECT id, k FROM t EMIT CHANGES",
    "WITH x AS (SELECT id FROM t EMIT CHANGES) SELECT * FROM x",
)
"""What the check refuses."""

FLINK = (
    *EMIT_AS_A_NAME,
    "SELECT 1",
    "VALUES (1, 'a'), (2, 'b')",
    "TABLE emit",
    "SELECT DISTINCT k FROM t",
    "SELECT k, COUNT(*) AS n FROM t GROUP BY k",
    "SELECT t.id FROM t JOIN u ON t.id = u.id",
    "SELECT t.id FROM t LEFT JOIN u ON t.id = u.id JOIN emit AS e ON e.id = t.id CROSS JOIN UNNEST(t.arr) AS a(x)",
    "SELECT t.id FROM t JOIN u ON t.id = u.id JOIN emit AS e ON e.id = t.id JOIN plain ON plain.id = t.id",
    "SELECT 'JOIN JOIN JOIN JOIN', id /* JOIN JOIN JOIN JOIN */ FROM t -- JOIN JOIN JOIN JOIN",
    "SELECT `odd JOIN`.`window` AS `JOIN` FROM `odd JOIN`",
    "SELECT id AS tumble, id AS hop, id AS session, id AS cumulate FROM t",
    "SELECT session FROM (SELECT id AS session FROM t) GROUP BY session",
    f"SELECT id FROM {_T} UNION ALL SELECT id FROM {_U}",
    (
        "SELECT SUM(v) OVER w, MAX(v) OVER w, MIN(v) OVER (PARTITION BY k ORDER BY ts) FROM t "
        "WINDOW w AS (PARTITION BY k ORDER BY ts)"
    ),
    "SELECT id, x FROM t CROSS JOIN UNNEST(t.arr) AS a(x)",
    "SELECT id, x FROM t, UNNEST(t.arr) AS a(x)",
    "SELECT id, m FROM t CROSS JOIN (VALUES (1), (2)) AS f(m)",
    "SELECT t.id FROM t CROSS JOIN u WHERE t.id = u.id",
    "SELECT * FROM t ORDER BY ts",
    "SELECT * FROM t ORDER BY ts ASC, id DESC",
    "SELECT * FROM t ORDER BY pt",
    "SELECT t.id, t.ts FROM t ORDER BY t.ts",
    "SELECT ts AS x FROM t ORDER BY x",
    "SELECT id AS x FROM t ORDER BY x DESC LIMIT 3",
    "SELECT * FROM t ORDER BY id FETCH NEXT 3 ROWS ONLY",
    "SELECT * FROM (SELECT * FROM t ORDER BY id) LIMIT 3",
    "SELECT * FROM `odd JOIN` ORDER BY `my ts`",
    (
        f"SELECT window_start, window_end, window_time, COUNT(*) AS n FROM {_T} "
        "GROUP BY window_start, window_end, window_time ORDER BY window_time"
    ),
    "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS r FROM t) WHERE r <= 3",
    "SELECT LISTAGG(k) AS all_k FROM t",
    "SELECT id IS DISTINCT FROM v AS d FROM t",
    "CREATE TEMPORARY VIEW a AS SELECT k, COUNT(*) AS n FROM t GROUP BY k",
    f"CREATE TEMPORARY VIEW b AS SELECT t.id FROM t JOIN u ON t.id = u.id AND t.ts > u.ts - {_HOUR} AND t.ts < u.ts",
    "CREATE TEMPORARY TABLE c (a INT, b AS a + 1) WITH ('connector' = 'datagen')",
    "SHOW TABLES",
    "DESCRIBE t",
    "SET 'pipeline.name' = 'PRINT'",
    "INSERT INTO sink VALUES (1, 'SELECT * FROM t GROUP BY k')",
    "INSERT INTO sink SELECT id, k FROM t",
    "INSERT INTO sink (id) SELECT v * id FROM t",
    "INSERT INTO sink SELECT * FROM (SELECT id, k FROM t)",
    "INSERT INTO sink SELECT * FROM (VALUES (1, 'a'))",
    "INSERT INTO sink WITH x AS (SELECT id, k FROM t) SELECT * FROM x",
    "INSERT INTO sink WITH `x` (id, k) AS (SELECT id, k FROM t) SELECT * FROM `x`",
    "INSERT INTO sink SELECT id, k FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS r FROM t) WHERE r = 1",
    (
        "INSERT INTO sink SELECT * FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES a.id AS id, a.k AS k PATTERN (a) "
        "DEFINE a AS a.v > 1)"
    ),
    "INSERT INTO counts SELECT 'all', COUNT(*) FROM t",
    "INSERT INTO counts SELECT 'all', COUNT(*) FROM t GROUP BY ()",
    "INSERT INTO counts SELECT a, COUNT(*) FROM (VALUES ('x'), ('y')) AS f(a) GROUP BY a",
    "INSERT INTO counts SELECT /*+ STATE_TTL('t' = '1d') */ k, COUNT(*) FROM t GROUP BY k",
    f"INSERT INTO hours SELECT window_start, window_end, COUNT(*) FROM {_T} GROUP BY window_start, window_end",
    (
        f"INSERT INTO hours SELECT window_start, window_end, COUNT(*) FROM TABLE({_T}) "
        "GROUP BY GROUPING SETS ((window_start, window_end, k), (window_start, window_end))"
    ),
    f"INSERT INTO hours SELECT w, e, COUNT(*) FROM (SELECT window_start AS w, window_end AS e FROM {_T}) GROUP BY w, e",
    f"INSERT INTO hours SELECT DISTINCT window_start, window_end, CAST(1 AS BIGINT) FROM {_T}",
    (
        f"INSERT INTO hours SELECT window_start, window_end, COUNT(*) FROM TUMBLE(DATA => TABLE t, TIMECOL => "
        f"DESCRIPTOR(ts), SIZE => {_HOUR}) GROUP BY window_start, window_end"
    ),
    (
        f"INSERT INTO hours SELECT window_start, window_end, COUNT(*) FROM SESSION(TABLE t PARTITION BY k, "
        f"DESCRIPTOR(ts), {_HOUR}) GROUP BY window_start, window_end, k"
    ),
    (
        f"INSERT INTO hours SELECT window_start, window_end, COUNT(*) FROM "
        f"TUMBLE(TABLE default_catalog.default_database.t, DESCRIPTOR(pt), {_HOUR}) GROUP BY window_start, window_end"
    ),
    (
        f"INSERT INTO hours WITH x AS (SELECT * FROM t) SELECT window_start, window_end, COUNT(*) FROM "
        f"TUMBLE(TABLE x, DESCRIPTOR(ts), {_HOUR}) GROUP BY window_start, window_end"
    ),
    (
        f"INSERT INTO hours SELECT TUMBLE_START(ts, {_HOUR}), TUMBLE_END(ts, {_HOUR}), COUNT(*) FROM t "
        f"GROUP BY TUMBLE(ts, {_HOUR}), k"
    ),
    f"INSERT INTO sink SELECT t.id, u.k FROM t JOIN u ON t.id = u.id AND t.ts BETWEEN u.ts - {_HOUR} AND u.ts",
    f"INSERT INTO sink SELECT t.id, u.k FROM t, u WHERE t.id = u.id AND t.ts > u.ts - {_HOUR} AND t.ts < u.ts",
    "INSERT INTO sink SELECT t.id, u.k FROM t JOIN u ON t.id = u.id AND t.ts = u.ts",
    "INSERT INTO sink SELECT t.id, t.k FROM t JOIN rates FOR SYSTEM_TIME AS OF t.ts ON t.id = rates.id",
    (
        f"INSERT INTO sink SELECT a.id, b.k FROM (SELECT * FROM {_T}) AS a JOIN (SELECT * FROM {_U}) AS b "
        "ON a.id = b.id AND a.window_start = b.window_start AND a.window_end = b.window_end"
    ),
    (
        f"INSERT INTO sink SELECT a.id, b.k FROM (SELECT * FROM {_T}) AS a JOIN (SELECT * FROM {_U}) AS b "
        "USING (id, window_start, window_end)"
    ),
    "INSERT INTO sink SELECT /*+ STATE_TTL('t' = '1d', 'u' = '6h') */ t.id, u.k FROM t JOIN u ON t.id = u.id",
    "EXECUTE STATEMENT SET BEGIN INSERT INTO sink SELECT id, k FROM t; INSERT INTO sink SELECT id, k FROM u; END",
)
"""Right statements of Flink."""

KSQL = (
    "SELECT * FROM s EMIT CHANGES",
    "SELECT * FROM s EMIT CHANGES LIMIT 3",
    "SELECT * FROM s LIMIT 3",
    "SELECT offset, * FROM s EMIT CHANGES",
    "SELECT id AS emit, v AS changes FROM s EMIT CHANGES",
    "SELECT * FROM t WHERE id = 'LIMIT 3'",
    "SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k EMIT FINAL",
    "SELECT a.id FROM a JOIN b WITHIN 1 HOUR ON a.id = b.id EMIT CHANGES",
    "CREATE STREAM s (id STRING KEY, v INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON')",
    "CREATE SOURCE TABLE t (id STRING PRIMARY KEY) WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'JSON')",
    "CREATE STREAM c AS SELECT * FROM s EMIT CHANGES",
    "CREATE STREAM c AS SELECT `LIMIT` FROM s WHERE k = 'LIMIT 5' EMIT CHANGES -- LIMIT 5",
    "CREATE TABLE n AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES",
    "CREATE TABLE n AS SELECT k, COUNT(*) AS n FROM s WINDOW SESSION (30 MINUTES) GROUP BY k EMIT CHANGES",
    "CREATE TABLE n AS SELECT k, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES) GROUP BY k",
    "CREATE TABLE n AS SELECT k, TOPK(v, 3) AS top FROM s GROUP BY k EMIT CHANGES",
    (
        "CREATE STREAM j AS SELECT a.id, b.v, c.w, d.x FROM a JOIN b WITHIN 1 HOUR ON a.id = b.id "
        "LEFT JOIN c ON a.id = c.id JOIN d ON a.id = d.id EMIT CHANGES"
    ),
    "INSERT INTO c SELECT id, v FROM s EMIT CHANGES",
    "INSERT INTO s (id, v) VALUES ('LIMIT', 5)",
    "INSERT INTO s (id, v) VALUES ('SELECT * FROM x', 5)",
    "DROP STREAM IF EXISTS c DELETE TOPIC",
    "SHOW CONNECTORS",
    "DESCRIBE CONNECTOR jdbc",
    "LIST STREAMS EXTENDED",
    "EXPLAIN SELECT * FROM s EMIT CHANGES",
    "SET 'auto.offset.reset' = 'earliest'",
    "DEFINE print = 'PRINT'",
    "TERMINATE ALL",
    "PAUSE CTAS_N_5",
    "RUN SCRIPT 'a.sql'",
)
"""Right statements of ksqlDB."""

JOINS_THAT_KEEP = (
    "SELECT t.id, u.k FROM t JOIN u ON t.id = u.id",
    "SELECT t.id, u.k FROM t LEFT JOIN u USING (id)",
    "SELECT t.id, t.k FROM t NATURAL JOIN emit",
    "SELECT t.id, u.k FROM t, u WHERE t.id = u.id",
    "SELECT t.id, u.k FROM t JOIN u ON t.id = u.id AND t.raw_ts = u.ts",
    "SELECT t.id, u.k FROM (t JOIN u ON t.id = u.id)",
    "SELECT id, k FROM (SELECT t.id, u.k FROM t JOIN u ON t.id = u.id)",
    "SELECT t.id, f.name FROM t JOIN (VALUES (1, 'a')) AS f(id, name) ON t.id = f.id",
    (
        f"SELECT a.id, b.k FROM (SELECT * FROM {_T}) AS a JOIN (SELECT * FROM {_U}) AS b "
        "ON a.id = b.id AND a.window_start = b.window_start"
    ),
)
"""Queries that write into ``sink`` and have a join that keeps all rows of both sides."""

GROUPS_THAT_KEEP = (
    "SELECT MAX(id), k FROM t GROUP BY k",
    "SELECT DISTINCT id, k FROM t",
    "SELECT id, k FROM t GROUP BY ROLLUP (id, k)",
    "SELECT n, k FROM (SELECT CAST(COUNT(*) AS INT) AS n, k FROM t GROUP BY k)",
    "SELECT MAX(id), k FROM t GROUP BY k HAVING COUNT(*) > 1",
    f"SELECT MAX(id), CAST(window_start AS STRING) FROM {_T} GROUP BY window_start",
)
"""Queries that write into ``sink`` and keep something of every key."""

SORTED_BY_NO_TIME = (
    "SELECT * FROM t ORDER BY id",
    "SELECT * FROM t AS x ORDER BY x.id, x.ts",
    "SELECT * FROM t ORDER BY ts DESC",
    "SELECT * FROM t ORDER BY raw_ts",
    "SELECT id AS x FROM t ORDER BY x",
    "SELECT k, COUNT(*) AS n FROM t GROUP BY k ORDER BY n",
    "SELECT id, k FROM t ORDER BY UPPER(k)",
    "INSERT INTO sink SELECT id, k FROM t ORDER BY id",
)
"""What Flink refuses in streaming mode: a sort by something else than time."""

WINDOWS_WITHOUT_WATERMARK = (
    (
        f"SELECT window_start, window_end, COUNT(*) FROM TUMBLE(TABLE plain, DESCRIPTOR(ts), {_HOUR}) "
        "GROUP BY window_start, window_end"
    ),
    f"SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(raw_ts), {_HOUR}))",
    f"SELECT * FROM HOP(DATA => TABLE t, TIMECOL => DESCRIPTOR(`raw_ts`), SLIDE => {_HOUR}, SIZE => {_HOUR})",
    f"SELECT COUNT(*) FROM plain GROUP BY TUMBLE(ts, {_HOUR})",
    f"SELECT COUNT(*) FROM t AS x GROUP BY k, TUMBLE(x.raw_ts, {_HOUR})",
)
"""What Flink refuses in streaming mode: a window over a column that is no time."""
