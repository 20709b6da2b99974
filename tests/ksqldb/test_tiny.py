"""The tiny server tells what the recorded one tells, and does what it says."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from ksqldb.recordings import labelled, recorded
from ksqldb.standin import DELIMITED, JSON, V1
from ksqldb.tiny import TinyKsql
from waiting import eventually

EARLIEST = {"auto.offset.reset": "earliest"}
ORDERS = (
    "CREATE STREAM ORDERS (ID STRING KEY, ITEM STRING, QTY INTEGER, PRICE DECIMAL(10,2)) "
    "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);"
)
BIG = "CREATE STREAM BIG_ORDERS AS SELECT ID, ITEM, QTY, PRICE FROM ORDERS WHERE QTY > 5 EMIT CHANGES;"
COUNTED = "CREATE TABLE ITEM_COUNT AS SELECT ITEM, COUNT(*) AS N, SUM(QTY) AS TOTAL FROM ORDERS GROUP BY ITEM EMIT CHANGES;"
USERS = (
    "CREATE TABLE USERS (ID STRING PRIMARY KEY, NAME STRING, AGE INTEGER) "
    "WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON', PARTITIONS=1);"
)
THREE = (
    "INSERT INTO ORDERS (ID, ITEM, QTY, PRICE) VALUES ('o2', 'tea', 10, 12.00);"
    "INSERT INTO ORDERS (ID, ITEM, QTY, PRICE) VALUES ('o1', 'tea', 3, 1.50);"
    "INSERT INTO ORDERS VALUES ('o4', 'coffee''s', 1, 99999999.99);"
)
REFUSED_BY_BOTH = ["unknown source", "unknown column", "syntax", "not a query", "two"]


def post(server, sql, **more):
    body = {"ksql": sql, "streamsProperties": EARLIEST} | more
    return requests.post(server.url + "/ksql", json=body, headers={"Accept": JSON}, timeout=5)


def run(server, sql, **more):
    answer = post(server, sql, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(server, sql):
    answer = post(server, sql)
    assert answer.status_code >= 400, answer.text
    return answer.json()


class Reading:
    """A query whose answer is read line by line."""

    def __init__(self, server, sql, accept=V1, earliest=True, path="/query-stream"):
        fields = ("ksql", "streamsProperties") if path == "/query" else ("sql", "properties")
        body = {fields[0]: sql, fields[1]: EARLIEST if earliest else {}}
        self.answer = requests.post(
            server.url + path, json=body, headers={"Accept": accept}, stream=True, timeout=5
        )
        self.lines = self.answer.iter_lines(chunk_size=None)

    def row(self):
        return json.loads(next(self.lines).rstrip(b",]"))["row"]

    def columns(self, count):
        return [self.row()["columns"] for _ in range(count)]

    def head(self):
        return json.loads(next(self.lines).lstrip(b"[").rstrip(b",]"))["header"]

    def rest(self):
        return [line.decode() for line in self.lines]

    def close(self):
        self.answer.close()


def text(server, sql, accept=V1, path="/query-stream", earliest=True):
    """Return the whole answer to a query that ends, its id taken out."""
    reading = Reading(server, sql, accept, earliest, path)
    return without_id(reading.answer.text)


def without_id(body):
    return re.sub(r"(transient_\w+?|query)_\d+", "QUERY", body)


@pytest.fixture
def shop(tiny):
    """The sources that the recordings begin with."""
    run(tiny, ORDERS + BIG + COUNTED + USERS + THREE)
    return tiny


def same_keys(made, real, where="entity"):
    """Compare the keys of JSON, and those inside of it where both have something."""
    if isinstance(real, dict) and where not in ("overriddenProperties", "ksqlHostQueryStatus", "statusCount"):
        now_and_then = {"type", "parameters"} if where in ("fields", "schema", "memberSchema") else set()
        assert made.keys() - now_and_then == real.keys() - now_and_then, where
        for name in made.keys() & real.keys():
            same_keys(made[name], real[name], name)
    elif isinstance(real, list) and real and made:
        same_keys(made[0], real[0], where)
    elif real is not None and made is not None:
        assert type(made) is type(real), where


# The same as the recorded server, word for word or key for key


@pytest.mark.usefixtures("shared_ksqldb")
def test_creating_is_answered_word_for_word(tiny):
    def told(answer):
        return re.sub(rb'"commandSequenceNumber":\d+|(?<=BIG_ORDERS_|ITEM_COUNT_)\d+|_\d+"', b"", answer)

    for sql, name in ((ORDERS, "05"), (USERS, "06"), (BIG, "07"), (COUNTED, "08")):
        assert told(post(tiny, sql).content) == told(recorded(name)[0].answer.body)


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize("accept", [V1, JSON, DELIMITED])
def test_a_push_query_is_answered_word_for_word(shop, accept):
    (real,) = [one for one in recorded("30") if one.label.endswith(f"LIMIT 3 [{accept}]")]
    assert text(shop, real.request.sql, accept) == without_id(real.answer.body.decode())
    head = Reading(shop, real.request.sql, accept).answer.headers
    assert dict(head) == {"Transfer-Encoding": "chunked"}


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(
    "label", ["LIMIT 1", "no key column", "IN", "pull on stream LIMIT", "not queryable", "pull with group by"]
)
def test_a_pull_query_has_the_shape_of_the_recorded_one(shop, label):
    real = labelled("36", label)
    answer = Reading(shop, real.request.sql).answer
    assert answer.status_code == real.answer.code
    made, told = without_id(answer.text), without_id(real.answer.body.decode())
    if answer.status_code == 200:
        told = told.replace(", `NOTE` STRING", "")
        assert made.splitlines()[0] == told.splitlines()[0]
        assert made.splitlines()[-1].startswith(told.splitlines()[-1][:8])
    else:
        assert made == told


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("17", "syntax 2"),
        ("17", "unknown source"),
        ("17", "SELECT on /ksql"),
        ("17", "PRINT on /ksql"),
        ("17", "second of three fails"),
        ("17", "syntax error on line 3"),
        ("17", "bad format"),
        ("17", "bad WITH"),
        ("17", "reserved word"),
        ("17", "duplicate column"),
        ("17", "RUN SCRIPT"),
        ("14", "missing ;"),
        ("15", "DESCRIBE NOSUCH"),
        ("16", "EXPLAIN NOSUCH_1"),
        ("18", "SET unknown"),
        ("18", "SET bad value"),
        ("18", "undefined variable"),
        ("18", "UNDEFINE unknown"),
        ("18", "define/undefine/show"),
        ("20", "PAUSE NOSUCH"),
        ("20", "TERMINATE NOSUCH"),
        ("20", "TERMINATE transient_NOSUCH_1"),
        ("21", "DROP STREAM NOSUCH"),
        ("21", "DROP STREAM of a table"),
        ("09", "unknown column"),
        ("09", "wrong type"),
        ("09", "unknown stream"),
        ("09", "second of two fails"),
    ],
)
def test_what_is_refused_is_refused_word_for_word(shop, name, label):
    real = labelled(name, label)
    answer = post(shop, real.request.sql, streamsProperties={})
    assert answer.status_code == real.answer.code
    told = json.loads(real.answer.body)
    if label in (
        "syntax error on line 3",
        "RUN SCRIPT",
        "bad format",
    ):  # a guess goes on, or a text is normalised
        assert answer.json()["message"].splitlines()[0] == told["message"].splitlines()[0]
    else:
        assert answer.json() == told


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(
    ("path", "label"),
    [(path, label) for path in ("/query-stream", "/query") for label in REFUSED_BY_BOTH]
    + [("/query-stream", "no semicolon"), ("/query-stream", "empty sql")],
)
def test_queries_are_refused_word_for_word(shop, path, label):
    found = [one for one in recorded("35") if one.request.path == path and one.request.accept == V1]
    real = next(one for one in found if label in one.label)
    answer = Reading(shop, real.request.sql, path=path).answer
    assert answer.status_code == 400
    told = json.loads(real.answer.body)
    if path == "/query-stream" or "column" in label:
        assert answer.json() == told
    else:
        assert answer.json()["error_code"] in (40000, 40001)
    assert ("content-type" in answer.headers) == ("content-type" in dict(real.answer.headers))


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(
    ("name", "label", "sql"),
    [
        ("14", "LIST STREAMS;", "LIST STREAMS;"),
        ("14", "LIST TABLES;", "LIST TABLES;"),
        ("14", "SHOW STREAMS EXTENDED", "SHOW STREAMS EXTENDED;"),
        ("14", "LIST TOPICS;", "LIST TOPICS;"),
        ("14", "LIST TOPICS EXTENDED", "LIST TOPICS EXTENDED;"),
        ("14", "LIST QUERIES;", "LIST QUERIES;"),
        ("14", "SHOW PROPERTIES;", "SHOW PROPERTIES;"),
        ("14", "LIST FUNCTIONS", "LIST FUNCTIONS;"),
        ("15", "DESCRIBE ORDERS;", "DESCRIBE ORDERS;"),
        ("15", "DESCRIBE ITEM_COUNT;", "DESCRIBE ITEM_COUNT;"),
        ("20", "DESCRIBE after TERMINATE", "DESCRIBE BIG_ORDERS;"),
        ("16", "EXPLAIN SELECT", "EXPLAIN SELECT * FROM ORDERS EMIT CHANGES;"),
        ("16", "EXPLAIN CREATE", "EXPLAIN CREATE STREAM ZZ AS SELECT * FROM ORDERS;"),
        ("20", "EXPLAIN CSAS_PRT_33", "EXPLAIN CSAS_BIG_ORDERS_1;"),
        ("20", "PAUSE CSAS", "PAUSE CSAS_BIG_ORDERS_1;"),
        ("20", "TERMINATE CSAS", "TERMINATE CSAS_BIG_ORDERS_1;"),
        ("21", "TERMINATE INSERT", "TERMINATE CTAS_ITEM_COUNT_3;"),
        (
            "05",
            "IF NOT EXISTS",
            "CREATE STREAM IF NOT EXISTS ORDERS (ID STRING KEY) WITH (KAFKA_TOPIC='orders');",
        ),
        ("21", "DROP STREAM IF EXISTS NOSUCH", "DROP STREAM IF EXISTS NOSUCH;"),
        ("22", "ALTER STREAM", "ALTER STREAM ORDERS ADD COLUMN NOTE STRING;"),
    ],
)
def test_entities_have_the_keys_of_the_recorded_ones(shop, name, label, sql):
    (real,) = json.loads(labelled(name, label).answer.body)
    (made,) = run(shop, sql)
    assert made["@type"] == real["@type"]
    same_keys(made, real)


@pytest.mark.usefixtures("shared_ksqldb")
def test_drop_is_refused_as_recorded_and_ends_the_own_query(tiny):
    run(
        tiny,
        "CREATE STREAM D0 (ID INT KEY, X INT) WITH (KAFKA_TOPIC='d0', VALUE_FORMAT='JSON', PARTITIONS=1);",
    )
    for sql in ("CREATE STREAM D1 AS SELECT ID, X FROM D0;", "CREATE STREAM D2 AS SELECT ID, X FROM D1;"):
        run(tiny, sql)
    (insert,) = run(tiny, "INSERT INTO D2 SELECT ID, X FROM D0;")
    query = insert["commandStatus"]["queryId"]
    for label in (
        "DROP with dependents",
        "DROP with dependents 2",
        "DROP with INSERT",
        "DROP TABLE of a stream",
    ):
        real = labelled("21", label)
        told = real.answer.body.decode().replace("INSERTQUERY_57", query)
        assert refused(tiny, real.request.sql) == json.loads(told)
    run(tiny, f"TERMINATE {query};")
    (dropped,) = run(tiny, "DROP STREAM D2 DELETE TOPIC;")
    real = json.loads(labelled("21", "DROP DELETE TOPIC").answer.body)[0]
    assert dropped == real | {"commandSequenceNumber": dropped["commandSequenceNumber"]}
    assert [one["id"] for one in run(tiny, "LIST QUERIES;")[0]["queries"]] == ["CSAS_D1_1"]
    assert [one["name"] for one in run(tiny, "LIST TOPICS;")[0]["topics"]] == ["D1", "d0"]
    run(tiny, "DROP STREAM D1 DELETE TOPIC; DROP STREAM D0;")
    assert [one["name"] for one in run(tiny, "LIST TOPICS;")[0]["topics"]] == ["d0"]


def test_fixed_paths_answer_as_recorded(shared_ksqldb, tiny):
    assert shared_ksqldb
    for path, name, label in (
        ("/healthcheck", "02", "GET /healthcheck"),
        ("/nope", "04", "GET /nope"),
        ("/ksql", "04", "GET /ksql"),
        ("/status/stream/%60NOPE%60/create", "04", "GET /status/stream"),
    ):
        answer, real = requests.get(tiny.url + path, timeout=5), labelled(name, label).answer
        assert (answer.status_code, answer.content) == (real.code, real.body)
        assert answer.headers.get("content-type") == dict(real.headers).get("content-type")
    version = requests.get(tiny.url + "/info", timeout=5).json()["KsqlServerInfo"]["version"]
    assert version == tiny.version == "7.4.0"


# Data


def test_a_push_query_gets_old_rows_first_and_then_what_others_insert(shop):
    reading = Reading(shop, "SELECT ID, QTY FROM ORDERS EMIT CHANGES;")
    assert reading.head()["schema"] == "`ID` STRING, `QTY` INTEGER"
    assert reading.columns(3) == [["o2", 10], ["o1", 3], ["o4", 1]]
    run(shop, "INSERT INTO ORDERS (ID, QTY) VALUES ('live', 7);")
    assert reading.columns(1) == [["live", 7]]
    reading.close()
    eventually(
        lambda: not shop.engine.queries.keys() - {"CSAS_BIG_ORDERS_1", "CTAS_ITEM_COUNT_3"}, 5, "it is gone"
    )


def test_without_earliest_there_are_no_old_rows(shop):
    reading = Reading(shop, "SELECT ID FROM ORDERS EMIT CHANGES;", earliest=False)
    reading.head()
    run(shop, "INSERT INTO ORDERS (ID) VALUES ('new');")
    assert reading.columns(1) == [["new"]]
    reading.close()


def test_a_table_is_told_as_rows_and_tombstones(tiny):
    run(
        tiny,
        USERS + "INSERT INTO USERS VALUES ('u1', 'Ann', 30); INSERT INTO USERS VALUES ('u2', 'Bob', 20);",
    )
    run(tiny, "CREATE TABLE GROWN AS SELECT ID, NAME, AGE FROM USERS WHERE AGE > 17;")
    direct = Reading(tiny, "SELECT ID, NAME FROM USERS WHERE AGE > 17 EMIT CHANGES;")
    derived = Reading(tiny, "SELECT * FROM GROWN EMIT CHANGES;")
    nameless = Reading(tiny, "SELECT NAME FROM GROWN EMIT CHANGES;", path="/query")
    silent = Reading(tiny, "SELECT * FROM GROWN EMIT CHANGES;", DELIMITED)
    run(tiny, "INSERT INTO USERS VALUES ('u2', 'Bob', 10); INSERT INTO USERS (ID) VALUES ('u1');")
    run(tiny, "INSERT INTO USERS VALUES ('u9', 'never', 5); INSERT INTO USERS VALUES ('u3', NULL, 50);")
    for reading in (direct, derived, nameless):
        reading.head()
    gone = [{"columns": [name, None], "tombstone": True} for name in ("u2", "u1")]
    rows = [direct.row() for _ in range(5)]
    assert rows == [{"columns": ["u1", "Ann"]}, {"columns": ["u2", "Bob"]}, *gone, {"columns": ["u3", None]}]
    assert [derived.row() for _ in range(5)][2]["columns"] == ["u2", None, None]
    assert [nameless.row() for _ in range(5)][3] == {"columns": [None], "tombstone": True}
    next(silent.lines)
    assert [json.loads(next(silent.lines))[0] for _ in range(3)] == ["u1", "u2", "u3"]
    assert "u1" not in text(tiny, "SELECT * FROM GROWN;")
    for reading in (direct, derived, nameless, silent):
        reading.close()


def test_groups_are_counted_row_by_row(shop):
    sql = "SELECT ITEM, COUNT(*), SUM(PRICE) AS S, AVG(QTY), MAX(PRICE) FROM ORDERS GROUP BY ITEM EMIT CHANGES LIMIT 3;"
    reading = Reading(shop, sql)
    types = "`ITEM` STRING, `KSQL_COL_0` BIGINT, `S` DECIMAL(10, 2), `KSQL_COL_1` DOUBLE, `KSQL_COL_2` DECIMAL(10, 2)"
    assert reading.head()["schema"] == types
    assert reading.columns(3) == [
        ["tea", 1, 12.0, 10.0, 12.0],
        ["tea", 2, 13.5, 6.5, 12.0],
        ["coffee's", 1, 99999999.99, 1.0, 99999999.99],
    ]
    assert "2,13]" in text(shop, "SELECT N, TOTAL FROM ITEM_COUNT WHERE ITEM = 'tea';")


def test_a_group_that_no_longer_passes_is_a_tombstone(shop):
    sql = "SELECT ITEM, COUNT(*) AS N FROM ORDERS GROUP BY ITEM HAVING COUNT(*) < 2 EMIT CHANGES LIMIT 2;"
    reading = Reading(shop, sql)
    reading.head()
    assert reading.row() == {"columns": ["tea", 1]}
    assert reading.row() == {"columns": ["tea", None], "tombstone": True}


def test_a_changed_row_of_a_table_changes_both_groups(tiny):
    run(
        tiny,
        USERS + "INSERT INTO USERS VALUES ('u1', 'Ann', 30); INSERT INTO USERS VALUES ('u2', 'Ann', 20);",
    )
    run(tiny, "INSERT INTO USERS VALUES ('u2', 'Bob', 21);")
    reading = Reading(tiny, "SELECT NAME, COUNT(*) AS N FROM USERS GROUP BY NAME EMIT CHANGES LIMIT 4;")
    reading.head()
    assert reading.columns(4) == [["Ann", 1], ["Ann", 2], ["Ann", 1], ["Bob", 1]]


def timed(server, *seconds):
    for at in seconds:
        run(
            server,
            f"INSERT INTO ORDERS (ROWTIME, ID, ITEM, QTY) VALUES ({1_700_000_000_000 + at * 1000}, 'x', 'tea', 1);",
        )


def test_windows_begin_and_end_at_whole_multiples(tiny):
    run(tiny, ORDERS)
    run(
        tiny,
        "CREATE TABLE W AS SELECT ITEM, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY ITEM;",
    )
    timed(tiny, 1, 2, 12)
    start = 1_700_000_000_000
    reading = Reading(tiny, "SELECT * FROM W EMIT CHANGES LIMIT 3;")
    assert reading.head()["schema"] == "`ITEM` STRING, `WINDOWSTART` BIGINT, `WINDOWEND` BIGINT, `N` BIGINT"
    assert reading.columns(3) == [
        ["tea", start, start + 10_000, 1],
        ["tea", start, start + 10_000, 2],
        ["tea", start + 10_000, start + 20_000, 1],
    ]
    pulled = Reading(tiny, "SELECT * FROM W;")
    assert (
        pulled.head()["schema"]
        == "`ITEM` STRING KEY, `WINDOWSTART` BIGINT KEY, `WINDOWEND` BIGINT KEY, `N` BIGINT"
    )
    assert pulled.columns(2) == [
        ["tea", start, start + 10_000, 2],
        ["tea", start + 10_000, start + 20_000, 1],
    ]
    assert [one["name"] for one in run(tiny, "DESCRIBE W;")[0]["sourceDescription"]["fields"]] == [
        "ITEM",
        "N",
    ]
    assert run(tiny, "LIST TABLES;")[0]["tables"][0]["isWindowed"] is True


def test_hopping_windows_overlap_and_final_results_come_once(tiny):
    run(tiny, ORDERS)
    timed(tiny, 1, 12, 40)
    hop = "SELECT WINDOWSTART, COUNT(*) AS N FROM ORDERS WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 10 SECONDS)"
    reading = Reading(tiny, f"{hop} GROUP BY ITEM EMIT CHANGES LIMIT 4;")
    reading.head()
    start = 1_700_000_000_000
    rows = reading.columns(4)
    assert rows == [[start - 10_000, 1], [start, 1], [start, 2], [start + 10_000, 1]]
    size = "WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS)"
    final = Reading(
        tiny, f"SELECT WINDOWSTART, COUNT(*) AS N FROM ORDERS {size} GROUP BY ITEM EMIT FINAL LIMIT 2;"
    )
    final.head()
    assert final.columns(2) == [[start, 1], [start + 10_000, 1]]


def test_expressions_have_types_and_values(shop):
    sql = (
        "SELECT UCASE(ITEM) AS U, QTY * 2 AS D, PRICE + 1 AS P, QTY / 3 AS I, QTY > 5 AS B, CAST(QTY AS STRING) AS S, "
        "CASE WHEN QTY > 5 THEN 'many' ELSE 'few' END AS C, IFNULL(ITEM, '-') AS F, ARRAY[QTY, 1] AS A, "
        "STRUCT(X := QTY) AS ST, 1.5 AS L, TRUE AS T, ITEM LIKE 't%' AS K, ID || '!' AS J "
        "FROM ORDERS WHERE ITEM IN ('tea') AND QTY BETWEEN 4 AND 10 AND PRICE IS NOT NULL LIMIT 1;"
    )
    reading = Reading(shop, sql)
    assert reading.head()["schema"] == (
        "`U` STRING, `D` INTEGER, `P` DECIMAL(13, 2), `I` INTEGER, `B` BOOLEAN, `S` STRING, `C` STRING, `F` STRING, "
        "`A` ARRAY<INTEGER>, `ST` STRUCT<`X` INTEGER>, `L` DECIMAL(2, 1), `T` BOOLEAN, `K` BOOLEAN, `J` STRING"
    )
    assert reading.columns(1) == [
        ["TEA", 20, 13.0, 3, True, "10", "many", "tea", [10, 1], {"X": 10}, 1.5, True, True, "o2!"]
    ]


def test_print_shows_the_topic(shop):
    lines = text(shop, "PRINT orders FROM BEGINNING LIMIT 2;", DELIMITED).splitlines()
    assert re.fullmatch(
        r"rowtime: \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{3} Z, key: o2, "
        r'value: \{"ITEM":"tea","QTY":10,"PRICE":12.00\}, partition: 0',
        lines[0],
    )
    assert Reading(shop, "PRINT orders LIMIT 1;").answer.status_code == 406
    assert text(shop, "PRINT orders LIMIT 1;", path="/query").startswith(
        "Key format: KAFKA_STRING\nValue format: "
    )


# Lives


def test_insert_into_select_and_its_id(shop):
    (made,) = run(
        shop, "INSERT INTO BIG_ORDERS WITH (QUERY_ID='myid') SELECT ID, ITEM, QTY, PRICE FROM ORDERS;"
    )
    assert made["commandStatus"]["queryId"] == "MYID"
    assert text(shop, "SELECT ID FROM BIG_ORDERS;").count('"row"') == 4
    assert (
        "Incompatible schema"
        in refused(shop, "INSERT INTO BIG_ORDERS SELECT ID, ITEM FROM ORDERS;")["message"]
    )


def test_a_paused_query_catches_up(shop):
    run(shop, "PAUSE CSAS_BIG_ORDERS_1;")
    (listed,) = run(shop, "LIST QUERIES;")
    assert (listed["queries"][0]["statusCount"], listed["queries"][0]["state"]) == ({"PAUSED": 1}, "RUNNING")
    run(shop, "INSERT INTO ORDERS (ID, QTY) VALUES ('later', 9);")
    assert "later" not in text(shop, "SELECT ID FROM BIG_ORDERS;")
    run(shop, "RESUME ALL;")
    assert "later" in text(shop, "SELECT ID FROM BIG_ORDERS;")


def test_terminated_queries_leave_their_source(shop):
    run(shop, "TERMINATE ALL;")
    run(shop, "INSERT INTO ORDERS (ID, QTY) VALUES ('later', 9);")
    assert "later" not in text(shop, "SELECT ID FROM BIG_ORDERS;")
    assert Reading(shop, "SELECT * FROM ITEM_COUNT;").answer.status_code == 400
    assert run(shop, "DESCRIBE BIG_ORDERS;")[0]["sourceDescription"]["writeQueries"] == []


@pytest.mark.parametrize("way", ["close-query", "TERMINATE", "drop"])
@pytest.mark.parametrize(("accept", "last"), [(V1, '{"finalMessage":"Query Completed"}]'), (DELIMITED, "")])
def test_a_push_query_is_ended_from_outside(tiny, way, accept, last):
    run(tiny, ORDERS)
    reading = Reading(tiny, "SELECT ID FROM ORDERS EMIT CHANGES;", accept)
    head = next(reading.lines).decode()
    query = re.search(r"transient_ORDERS_\d+", head)[0]
    assert query in json.dumps(run(tiny, "LIST QUERIES;"))
    if way == "close-query":
        for code in (200, 400):
            answer = requests.post(tiny.url + "/close-query", json={"queryId": query}, timeout=5)
            assert answer.status_code == code
    elif way == "TERMINATE":
        assert run(tiny, f"TERMINATE {query};")[0]["queryId"] == query.upper()
    else:
        run(tiny, "DROP STREAM ORDERS DELETE TOPIC;")
    rest = "\n".join(reading.rest())
    if way == "drop":
        assert "MissingSourceTopicException" in rest
        assert rest.endswith("}},\n]" if accept == V1 else "}")
    else:
        assert rest == last


def test_close_query_may_fail_and_yet_end_it(tiny):
    run(tiny, ORDERS)
    tiny.wrong_context = True
    reading = Reading(tiny, "SELECT ID FROM ORDERS EMIT CHANGES;")
    query = reading.head()["queryId"]
    answer = requests.post(tiny.url + "/close-query", json={"queryId": query}, timeout=5)
    assert answer.status_code == 500
    assert reading.rest() == ['{"finalMessage":"Query Completed"}]']


def test_a_replaced_query_keeps_its_id_and_its_place(shop):
    (made,) = run(
        shop,
        "CREATE OR REPLACE STREAM BIG_ORDERS AS SELECT ID, ITEM, QTY, PRICE, QTY + 1 AS M FROM ORDERS WHERE QTY > 6;",
    )
    assert made["commandStatus"]["queryId"] == "CSAS_BIG_ORDERS_1"
    run(shop, "INSERT INTO ORDERS (ID, QTY) VALUES ('a', 6); INSERT INTO ORDERS (ID, QTY) VALUES ('b', 7);")
    reading = Reading(shop, "SELECT ID, M FROM BIG_ORDERS;")
    reading.head()
    assert reading.columns(2) == [["o2", None], ["b", 8]]


def test_a_replaced_table_goes_on_counting(shop):
    run(
        shop,
        "CREATE OR REPLACE TABLE ITEM_COUNT AS SELECT ITEM, COUNT(*) AS N, SUM(QTY) AS TOTAL FROM ORDERS "
        "WHERE QTY > 5 GROUP BY ITEM;",
    )
    run(shop, "INSERT INTO ORDERS (ID, ITEM, QTY) VALUES ('a', 'tea', 9);")
    assert '"columns":[3]' in text(shop, "SELECT N FROM ITEM_COUNT WHERE ITEM = 'tea';")


@pytest.mark.parametrize("before", ["", "EXPLAIN "])
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE OR REPLACE STREAM BIG_ORDERS AS SELECT ID, ITEM, PRICE FROM ORDERS;",
        "CREATE OR REPLACE TABLE GROWN AS SELECT ID, COUNT(*) AS NAME FROM USERS GROUP BY ID;",
        (
            "CREATE OR REPLACE TABLE ITEM_COUNT AS SELECT ITEM, COUNT(*) AS N, SUM(QTY) AS TOTAL FROM ORDERS "
            "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ITEM;"
        ),
    ],
)
def test_what_can_not_be_replaced_is_refused(shop, before, sql):
    run(shop, "CREATE TABLE GROWN AS SELECT ID, AGE + 0 AS NAME FROM USERS;")
    told = refused(shop, before + sql)
    assert told["error_code"] == 40001
    assert told["message"].startswith("Cannot upgrade data source: ")


def test_explain_tells_tables_from_streams(shop):
    def topology(sql):
        return run(shop, f"EXPLAIN {sql}")[0]["queryDescription"]["topology"]

    assert "KTABLE-TOSTREAM" in topology("SELECT ITEM, COUNT(*) FROM ORDERS GROUP BY ITEM EMIT CHANGES;")
    assert "KTABLE-TOSTREAM" in topology("SELECT * FROM USERS EMIT CHANGES;")
    assert "KTABLE-TOSTREAM" in topology("CTAS_ITEM_COUNT_3;")
    assert "KTABLE-TOSTREAM" not in topology("SELECT * FROM ORDERS EMIT CHANGES;")
    assert "KTABLE-TOSTREAM" not in topology("CSAS_BIG_ORDERS_1;")


@pytest.mark.parametrize(
    "bad",
    ["CREATE STREAM A AS SELECT NOCOL FROM ORDERS;", "INSERT INTO ORDERS (ID, QTY) VALUES ('z', 'abc');"],
)
def test_one_bad_statement_carries_out_nothing(shop, bad):
    before = shop.engine.sequence
    refused(shop, f"INSERT INTO ORDERS (ID) VALUES ('z'); PAUSE ALL; DROP TABLE ITEM_COUNT; {bad}")
    assert '"z"' not in text(shop, "SELECT ID FROM ORDERS;")
    assert shop.engine.sequence == before
    assert all(query.status == "RUNNING" for query in shop.engine.queries.values())
    assert "ITEM_COUNT" in json.dumps(run(shop, "LIST TABLES;"))


def test_a_request_s_settings_last_for_the_request(shop):
    made = run(
        shop,
        "DEFINE v = 'ORDERS'; SET 'auto.offset.reset' = 'latest'; CREATE STREAM C AS SELECT * FROM ${v};",
    )
    assert len(made) == 1
    assert '"row"' not in text(shop, "SELECT * FROM C;")
    assert "ORDERS" in json.dumps(run(shop, "DESCRIBE ${V};", sessionVariables={"v": "ORDERS"}))
    refused(shop, "DESCRIBE ${v};")
    late = post(shop, "LIST STREAMS;", commandSequenceNumber=9999)
    assert (late.status_code, late.json()["error_code"]) == (503, 50301)


# What goes wrong on demand


def test_a_failed_query_says_so(shop):
    shop.fail_query("CSAS_BIG_ORDERS_1", "it broke")
    (listed,) = run(shop, "LIST QUERIES;")
    assert (listed["queries"][0]["statusCount"], listed["queries"][0]["state"]) == ({"ERROR": 1}, "ERROR")
    (told,) = run(shop, "EXPLAIN CSAS_BIG_ORDERS_1;")
    assert told["queryDescription"]["queryErrors"][0]["errorMessage"] == "it broke"


def test_a_slow_statement_is_carried_out_at_once(tiny):
    tiny.slow("ORDERS", 0.5)
    begun = time.monotonic()
    asking = threading.Thread(target=run, args=(tiny, ORDERS))
    asking.start()
    eventually(lambda: "ORDERS" in tiny.engine.sources, 0.4, "it is there")
    asking.join()
    assert time.monotonic() - begun >= 0.5


def test_a_queued_statement_is_told_by_status(tiny):
    tiny.queue("ORDERS")
    (made,) = run(tiny, ORDERS)
    assert made["commandStatus"]["status"] == "QUEUED"
    paths = [tiny.url + "/status/stream/%60ORDERS%60/create"] * 3
    told = [requests.get(path, timeout=5).json()["status"] for path in paths]
    assert told == ["EXECUTING", "SUCCESS", "SUCCESS"]


def test_a_killed_server_breaks_queries_off_and_its_state_can_go_on(shop):
    reading = Reading(shop, "SELECT ID FROM ORDERS EMIT CHANGES;")
    reading.head()
    reading.columns(3)
    shop.kill()
    with pytest.raises(requests.exceptions.RequestException):
        reading.rest()
    with TinyKsql(port=shop.port, engine=shop.engine) as again:
        assert "ORDERS" in json.dumps(run(again, "LIST STREAMS;"))


def test_a_command_gets_an_empty_server_of_its_own():
    code = "import os, urllib.request as u; print(u.urlopen(os.environ['STREAMMAGIC_KSQLDB'] + '/info').read()); raise SystemExit(3)"
    done = subprocess.run(
        [sys.executable, "-m", "tests.ksqldb.serve", "--", sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "KsqlServerInfo" in done.stdout
