"""What is said of a push query that gives no rows."""

import re

import pytest
from ksqldb.shells import cells_on
from ksqldb.standin import Live, generic_error
from waiting import eventually

from streammagic.engines.ksqldb import engine

ORDERS = "CREATE STREAM ORDERS (ID STRING KEY, ITEM STRING, QTY INTEGER) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='{}', PARTITIONS=1)"
ROW = "INSERT INTO ORDERS VALUES ('a', 'tea', 2)"
BIG = "CREATE STREAM BIG AS SELECT * FROM ORDERS WHERE QTY > 100"
PUSH = "SELECT ID FROM ORDERS EMIT CHANGES"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(engine, "_SAMPLE_SECONDS", 0.2)


@pytest.fixture
def cells(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.config(silence=0.1)
        cells.ksql(ORDERS.format("JSON"))
        yield cells


def advice(cells, sql=PUSH, options=""):
    """Return what is said of a silent query, as it stands under the table and on the handle."""
    handle = cells.ksql(sql, f"--bg {options}")
    try:
        eventually(lambda: handle.advice, 5, f"advice for {sql}")
        text = " ".join(handle.bundle()["text/plain"].split())
        assert all(" ".join(one.split()) in text for one in handle.advice)
        return handle.advice
    finally:
        handle.stop()


def printed(cells, *values):
    """Let PRINT give such values."""
    lines = "".join(
        f"rowtime: 2022/12/02 17:22:02.556 Z, key: {key}, value: {value}, partition: 0\n"
        for key, value in values
    )
    cells.server.on("POST", "/query-stream", Live(lambda c: c.send(lines.encode())), sql=re.compile("^PRINT"))


def test_an_empty_topic(cells):
    assert advice(cells) == ["the topic orders of ORDERS has no records so far"]


def test_records_from_before(cells):
    cells.ksql(ROW)
    (found,) = advice(cells)
    assert "auto.offset.reset is latest" in found
    assert "%%ksql --from earliest reads them too" in found


def test_a_where_that_nothing_passes(cells):
    cells.ksql(ROW)
    sql = "SELECT ID FROM ORDERS WHERE QTY > 100 EMIT CHANGES"
    assert advice(cells, sql, "--from earliest") == [
        "there are records, and none has passed the WHERE so far"
    ]


def test_a_having_that_nothing_passes(cells):
    cells.ksql(ROW)
    sql = "SELECT ITEM, COUNT(*) FROM ORDERS GROUP BY ITEM HAVING COUNT(*) > 5 EMIT CHANGES"
    assert advice(cells, sql, "--from earliest") == [
        "there are records, and none has passed the HAVING so far"
    ]


def test_a_query_before_it_that_is_paused(cells):
    cells.ksql(BIG)
    cells.ksql("PAUSE ALL")
    (found,) = advice(cells, "SELECT ID FROM BIG EMIT CHANGES")
    query = next(iter(cells.server.engine.queries))
    assert found == f"BIG is written by {query}, which is paused: RESUME {query} lets it go on"


def test_a_query_before_it_that_has_failed(cells):
    cells.ksql(BIG)
    query = next(iter(cells.server.engine.queries))
    cells.server.fail_query(query, "It is full")
    (found,) = advice(cells, "SELECT ID FROM BIG EMIT CHANGES")
    assert found == f"BIG is written by {query}, which is in ERROR: EXPLAIN {query} says why"


@pytest.mark.parametrize(
    ("value_format", "value"),
    [("JSON", "a,tea,2"), ("JSON", "<xml/>"), ("DELIMITED", '{"ITEM":"tea","QTY":2}')],
)
def test_records_of_another_format(cells, value_format, value):
    cells.ksql("DROP STREAM ORDERS;" + ORDERS.format(value_format))
    printed(cells, ("a", value))
    (found,) = advice(cells, PUSH, "--from earliest")
    assert f"ORDERS reads its values as {value_format}, and the first record is none ({value})" in found
    assert "Is VALUE_FORMAT right?" in found


def test_a_tables_records_without_a_key(cells):
    cells.ksql(
        "CREATE TABLE U (ID STRING PRIMARY KEY, N INT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1)"
    )
    printed(cells, ("<null>", '{"N":1}'))
    (found,) = advice(cells, "SELECT * FROM U EMIT CHANGES", "--from earliest")
    assert found == "the first record of u has no key: a table leaves such records out"


def test_a_window_that_no_record_has_closed(cells):
    cells.ksql(ROW)
    sql = "SELECT ITEM, COUNT(*) FROM ORDERS WINDOW TUMBLING (SIZE 1 HOURS) GROUP BY ITEM EMIT FINAL"
    assert advice(cells, sql, "--from earliest") == [
        "EMIT FINAL gives a window only once a later record has closed it"
    ]


def test_nothing_is_said_once_a_row_has_come(cells):
    handle = cells.ksql(PUSH, "--bg")
    eventually(lambda: handle.advice, 5, "advice")
    cells.ksql(ROW, name="other")
    handle.wait(rows=1, seconds=5)
    assert handle.advice == []
    handle.stop()


def test_nothing_is_asked_where_rows_come(cells):
    cells.ksql(ROW)
    handle = cells.ksql(PUSH, "--bg --from earliest").wait(rows=1, seconds=5)
    timed_out = cells.ksql(
        "SELECT ITEM FROM ORDERS EMIT CHANGES", "--from earliest --timeout 0.4", name="other"
    )
    assert handle.advice == timed_out.advice == []
    handle.stop()
    assert not [r for r in cells.server.requests if (r.sql or "").startswith("PRINT")]


def test_a_server_that_does_not_say_is_not_waited_for_at_the_stop(cells):
    cells.server.on("POST", "/query-stream", Live(lambda channel: channel.wait()), sql=re.compile("^PRINT"))
    handle = cells.ksql(PUSH, "--bg")
    cells.server.wait_for(lambda r: (r.sql or "").startswith("PRINT"))
    handle.stop(seconds=1)


def test_an_old_server_that_only_gives_signs_of_life_is_not_listened_to_for_ever(tiny, tmp_path):
    def beat(channel):
        while True:
            channel.send(b"\n")
            channel.wait(0.05)

    tiny.version = "7.0.1"
    tiny.on("POST", "/query", Live(beat), sql=re.compile("^PRINT"))
    with cells_on(tiny, tmp_path) as cells:
        cells.config(silence=0.1)
        cells.ksql(ORDERS.format("JSON"))
        assert advice(cells) == ["the topic orders of ORDERS has no records so far"]


def test_a_server_that_can_not_say_leaves_the_query_alone(cells):
    cells.server.on("POST", "/query-stream", generic_error("No"), sql=re.compile("^PRINT"))
    handle = cells.ksql(PUSH, "--timeout 0.5")
    assert handle.advice == []
    assert handle.status == "stopped"
