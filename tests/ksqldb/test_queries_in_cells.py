"""``%%ksql`` in a notebook: what is shown, how it ends, what it leaves behind, and how much it takes."""

import os
import re
import signal
import threading

import pytest
from ksqldb.recordings import Answer
from ksqldb.shells import cells_on, description, engine_on, is_running, run, said
from ksqldb.standin import Live, entity, push_v1
from ksqldb.tiny import TinyKsql
from real_shell import streammagic_threads
from waiting import eventually

from streammagic.engines.ksqldb import rest
from streammagic.errors import (
    ConnectionFailedError,
    InterruptedQuery,
    JobFailedError,
    PartialResultError,
    SqlError,
    StreamMagicError,
)
from streammagic.magics import extension

ORDERS = "CREATE STREAM ORDERS (ID STRING KEY, ITEM STRING, QTY INTEGER) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);"
ROWS = "INSERT INTO ORDERS VALUES ('a', 'tea', 2); INSERT INTO ORDERS VALUES ('b', 'mate', 3); INSERT INTO ORDERS VALUES ('c', 'tea', 5);"
PUSH = "SELECT ID FROM ORDERS EMIT CHANGES"
SILENT = push_v1("`ID` STRING", [])


@pytest.fixture
def silent(standin, tmp_path):
    """Cells on a server whose push queries stay open and give no row."""
    is_running(standin)
    standin.on("POST", "/query-stream", SILENT)
    with cells_on(standin, tmp_path) as cells:
        yield cells


@pytest.fixture
def cells(tiny, tmp_path):
    """Cells on a tiny server with a few orders."""
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS + ROWS)
        yield cells


def query_of(server, times=1):
    """Wait for the so many-th query, and return its request."""
    eventually(
        lambda: len([r for r in server.requests if r.path == "/query-stream"]) >= times, 5, "the query"
    )
    return [request for request in server.requests if request.path == "/query-stream"][times - 1]


def is_let_go(server, times=1):
    """Tell whether a query was ended as it should be: told to the server, and its connection closed."""
    server.wait_for(lambda r: r.path == "/close-query" and r.json["queryId"])
    return server.closed_by_client(query_of(server, times))


# What is shown


def test_a_stream_is_shown_as_it_comes(cells):
    shown = cells.shown("SELECT ID, QTY FROM ORDERS EMIT CHANGES LIMIT 3", "--from earliest")
    assert [line.split("│") for line in shown.replace(" ", "").split("\n")] == [
        ["ID", "QTY"],
        ["────┼─────"],
        ["a", "2"],
        ["b", "3"],
        ["c", "5"],
        ["3rows"],
    ]


def test_an_aggregate_shows_the_last_value_of_each_key(cells):
    rows = cells.rows(
        "SELECT ITEM, SUM(QTY) AS N FROM ORDERS GROUP BY ITEM EMIT CHANGES LIMIT 3", "--from earliest"
    )
    assert sorted(rows) == [("mate", 3), ("tea", 7)]


def test_the_changes_can_be_shown_instead(cells):
    sql = "SELECT ITEM, SUM(QTY) AS N FROM ORDERS GROUP BY ITEM EMIT CHANGES LIMIT 3"
    shown = cells.shown(sql, "--from earliest --view changes")
    assert [line.split()[0] for line in shown.splitlines() if "tea" in line] == ["~", "~"]


def test_a_table_is_pulled(cells):
    cells.ksql("CREATE TABLE T AS SELECT ITEM, SUM(QTY) AS N FROM ORDERS GROUP BY ITEM", "--from earliest")
    assert sorted(cells.rows("SELECT * FROM T")) == [("mate", 3), ("tea", 7)]
    assert cells.rows("SELECT N FROM T WHERE ITEM = 'tea'") == [(7,)]
    assert cells.rows("SELECT N FROM T WHERE ITEM = 'nothing'") == []


def test_a_topic_is_printed(cells):
    rows = cells.rows("PRINT orders FROM BEGINNING LIMIT 2")
    assert [(row[1], row[2], row[3]) for row in rows] == [
        ("a", '{"ITEM":"tea","QTY":2}', "0"),
        ("b", '{"ITEM":"mate","QTY":3}', "0"),
    ]


def test_a_topic_in_which_nothing_comes_is_printed_in_the_background(silent):
    """The server sends not even the head of its answer before the first record."""
    silent.server.on("POST", "/query-stream", Answer(status="", end="open"), sql=re.compile("^PRINT"))
    handle = silent.ksql("PRINT orders", "--bg")
    handle.wait(rows=0, seconds=5)
    assert handle.status == "running"
    query_of(silent.server)
    handle.stop(seconds=1)


def test_a_value_of_many_lines_is_one_record(silent):
    text = (
        "rowtime: 2022/12/02 17:22:02.556 Z, key: 1, value: one\n\nrowtime of two\nthree, partition: 0\n"
        "rowtime: 2022/12/02 17:22:02.557 Z, key: <null>, value: <null>, partition: 1\n"
    )
    silent.server.on(
        "POST", "/query-stream", Live(lambda c: [c.send(text[:90].encode()), c.send(text[90:].encode())])
    )
    rows = silent.rows("PRINT orders LIMIT 2")
    assert [row[1:] for row in rows] == [
        ("1", "one\n\nrowtime of two\nthree", "0"),
        ("<null>", "<null>", "1"),
    ]


def test_an_error_in_a_printed_topic_ends_it(silent):
    line = '{"@type":"generic_error","error_code":50000,"message":"The topic is gone"}\n'
    silent.server.on("POST", "/query-stream", Live(lambda channel: channel.send(line.encode())))
    assert silent.fails("PRINT orders", kind=JobFailedError).message == "The topic is gone."


@pytest.mark.parametrize("value", ["é 漢字 😀", "it''s", "a\nb", "-- no comment", "{ { nothing }}"])
def test_text_comes_back_as_it_was_inserted(cells, value):
    cells.ksql(f"INSERT INTO ORDERS (ID, ITEM) VALUES ('x', '{value}')")
    (row,) = cells.rows("SELECT ITEM, QTY FROM ORDERS WHERE ID = 'x' EMIT CHANGES LIMIT 1", "--from earliest")
    assert row == (value.replace("''", "'"), None)


# How it ends


def test_stop_ends_a_silent_query_within_a_second(silent):
    handle = silent.ksql(PUSH, "--bg").wait(rows=0, seconds=5)
    handle.stop(seconds=1)
    assert handle.status == "stopped"
    assert silent.server.wait_for(lambda r: r.path == "/close-query").json == {"queryId": "transient_X_1"}
    assert is_let_go(silent.server)


def test_a_stop_before_the_first_answer_ends_it_within_a_second(silent):
    silent.server.on("POST", "/query-stream", Answer(status="", end="open"))
    stopped = []

    def stop():
        query_of(silent.server)
        stopped.append(silent.shell.user_ns["last"].stop(seconds=1))

    thread = threading.Thread(target=stop)
    thread.start()
    silent.ksql(PUSH)
    thread.join(5)
    assert [handle.status for handle in stopped] == ["stopped"]
    assert silent.server.closed_by_client(query_of(silent.server))


def test_an_interrupt_ends_a_silent_query(silent):
    def interrupt(channel):
        channel.send(SILENT.body)
        silent.server.wait_for(lambda r: r.sql == "LIST PROPERTIES;")
        os.kill(os.getpid(), signal.SIGINT)
        channel.wait()

    silent.server.on("POST", "/query-stream", Live(interrupt))
    with pytest.raises(InterruptedQuery, match="0 rows kept"):
        silent.ksql(PUSH)
    assert is_let_go(silent.server)


def test_a_timeout_ends_a_silent_query(silent):
    handle = silent.ksql(PUSH, "--timeout 0.2")
    assert handle.status == "stopped"
    assert "stopped after 0.2 s" in silent.shell.shown[-1]
    assert is_let_go(silent.server)


def test_a_limit_ends_a_query_and_keeps_so_many_rows(cells):
    assert cells.rows(PUSH, "--from earliest --limit 2") == [("a",), ("b",)]
    cells.server.wait_for(lambda r: r.path == "/close-query")
    eventually(lambda: not transients(cells.server), 5, "no push query is left")


def transients(server):
    with server.lock:
        return [name for name in server.engine.queries if name.startswith("transient")]


def test_a_cell_run_again_ends_the_query_of_its_run_before(cells):
    cell = f"%%ksql --bg\n{PUSH}"
    cells.shell.run_cell(cell)
    (first,) = running(cells)
    cells.shell.run_cell(cell)
    (second,) = running(cells)
    assert (first.status, second is first) == ("stopped", False)
    second.wait(rows=0, seconds=5)
    assert len(transients(cells.server)) == 1
    second.stop()
    eventually(lambda: not transients(cells.server), 5, "no push query is left")


def running(cells):
    """Return the handles of the queries that have not ended, with or without a name."""
    return extension._loaded[id(cells.shell)].notebook.queries.running()


def test_reset_ends_all_queries(cells):
    cells.ksql(PUSH, "--bg").wait(rows=0, seconds=5)
    cells.ksql("SELECT ITEM FROM ORDERS EMIT CHANGES", "--bg", name="other").wait(rows=0, seconds=5)
    assert len(transients(cells.server)) == 2
    cells.shell.run_line_magic("reset", "-f")
    eventually(lambda: not transients(cells.server), 5, "no push query is left")
    assert not streammagic_threads()


def test_unloading_ends_all_queries(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS)
        cells.ksql(PUSH, "--bg").wait(rows=0, seconds=5)
    eventually(lambda: not transients(tiny), 5, "no push query is left")


def test_a_stopped_query_keeps_its_rows(cells):
    handle = cells.ksql(PUSH, "--bg --from earliest").wait(rows=3, seconds=5)
    handle.stop()
    assert list(handle) == [("a",), ("b",), ("c",)]
    assert len(handle.df) == 3


def test_a_query_that_breaks_off_keeps_its_rows_for_who_asks(cells):
    handle = cells.ksql(PUSH, "--bg --from earliest").wait(rows=3, seconds=5)
    cells.server.kill()
    with pytest.raises(ConnectionFailedError, match="broke off"):
        handle.wait(seconds=5)
    assert list(handle.frame(partial=True)["ID"]) == ["a", "b", "c"]
    with pytest.raises(ConnectionFailedError):
        _ = handle.df


def test_rows_that_come_while_the_key_is_asked_for_are_not_lost(standin, tmp_path):
    is_running(standin)
    all_sent = threading.Event()

    def rows(channel):
        channel.send(b'[{"header":{"queryId":"transient_1","schema":"`ID` STRING, `N` INTEGER"}},\n')
        standin.wait_for(lambda r: (r.sql or "").startswith("EXPLAIN"))
        for number in range(1000):
            channel.send(b'{"row":{"columns":["k%d",%d]}},\n' % (number % 10, number))
        all_sent.set()
        channel.send(b'{"finalMessage":"Limit Reached"}]')

    def explain(_):
        assert all_sent.wait(5)
        return description(["ID"], table=True)

    standin.on("POST", "/query-stream", Live(rows))
    standin.on("POST", "/ksql", explain, sql=re.compile("^EXPLAIN"))
    with cells_on(standin, tmp_path) as cells:
        handle = cells.ksql("SELECT ID, N FROM T EMIT CHANGES LIMIT 1000")
        assert sorted(handle) == [(f"k{i}", 990 + i) for i in range(10)]
        assert handle.stats.read == 1000


# Several statements


def test_an_error_is_placed_in_its_statement_of_the_cell(cells):
    error = cells.fails(
        "LIST STREAMS;\nLIST TABLES;\n  SELECT ID,\n    NOCOL FROM ORDERS EMIT CHANGES;\nLIST QUERIES"
    )
    assert (error.line, error.column) == (5, 5)
    assert "5 │     NOCOL FROM ORDERS" in said(error)
    assert not [r for r in cells.server.requests if r.sql == "LIST QUERIES;"]


def test_an_error_behind_a_variable_on_its_line_is_placed_right(cells, monkeypatch):
    monkeypatch.setenv("STREAMMAGIC_KAFKA_BOOTSTRAP", "a.very.long.name.of.a.broker:9092")
    sql = "LIST STREAMS;\nLIST TABLES;\nSELECT '{{ kafka }}' AS K, NOCOL FROM ORDERS EMIT CHANGES LIMIT 1"
    error = cells.fails(sql, kind=SqlError)
    assert (error.line, error.column) == (4, sql.splitlines()[2].index("NOCOL") + 1)
    assert "a.very.long.name" in [r.sql for r in cells.server.requests if r.path == "/query-stream"][-1]


def test_an_error_of_a_one_line_magic_is_placed_in_its_line(cells):
    with pytest.raises(SqlError) as caught:
        cells.shell.run_cell("%ksql SELECT NOCOL FROM ORDERS EMIT CHANGES LIMIT 1")
    assert (caught.value.line, caught.value.column) == (1, 14)


def test_statements_before_an_error_have_been_carried_out(cells):
    cells.fails(
        "CREATE STREAM A AS SELECT * FROM ORDERS; CREATE STREAM B AS SELECT NOCOL FROM ORDERS; DROP STREAM A"
    )
    assert {"A", "ORDERS"} == set(cells.server.engine.sources)


# Scripts


def test_a_script_runs_with_settings_that_stay(cells, tmp_path):
    script = tmp_path / "it's a.sql"
    script.write_text(
        "-- é\nSET 'auto.offset.reset' = 'earliest';\nCREATE STREAM BIG AS SELECT * FROM ORDERS WHERE QTY > 2;\n"
        "INSERT INTO ORDERS VALUES ('d', 'tea', 9);",
        encoding="utf-8",
    )
    path = str(script).replace("'", "''")
    shown = cells.shown(f"RUN SCRIPT '{path}'")
    assert "a query fills it" in shown
    assert cells.rows("SELECT ID FROM BIG EMIT CHANGES LIMIT 3") == [("b",), ("c",), ("d",)]


def test_an_error_in_a_script_names_its_file_and_line(cells, tmp_path):
    script = tmp_path / "some.sql"
    script.write_text(
        "LIST STREAMS;\n\nCREATE STREAM BIG AS\n  SELECT NOCOL FROM ORDERS;\nDROP STREAM ORDERS;"
    )
    error = cells.fails(f"RUN SCRIPT '{script}'", kind=SqlError)
    assert error.message.startswith(f"{script}, line 4: There is no column NOCOL.")
    assert "ORDERS" in cells.server.engine.sources


@pytest.mark.parametrize("inside", [PUSH, "SELECT * FROM T", "PRINT orders", "RUN SCRIPT 'x'"])
def test_a_script_with_a_query_is_refused_before_anything_runs(cells, tmp_path, inside):
    script = tmp_path / "some.sql"
    script.write_text(f"DROP STREAM ORDERS;\n{inside};")
    error = cells.fails(f"RUN SCRIPT '{script}'", kind=SqlError)
    assert f"{script}, line 2" in error.message
    assert "ORDERS" in cells.server.engine.sources


def test_a_script_that_is_not_there_is_told_in_its_place(cells):
    error = cells.fails("RUN SCRIPT '/no/such.sql'", kind=SqlError)
    assert error.message == "The script /no/such.sql can't be read: No such file or directory."
    assert error.line == 2


# Much at once


def test_20000_rows_of_changes_are_folded_right(standin, tmp_path):
    is_running(standin)
    standin.on("POST", "/ksql", description(["K"], table=True), sql=re.compile("^EXPLAIN"))
    rows = [[f"k{i % 997}", i] for i in range(20_000)]
    gone = {i for i in range(20_000) if i % 997 == 5 and i > 19_000}
    body = push_v1("`K` STRING, `N` INTEGER", rows, tombstones=gone, end="limit").body
    standin.on("POST", "/query-stream", Live(lambda channel: pieces(channel, body)))
    with cells_on(standin, tmp_path) as cells:
        handle = cells.ksql("SELECT K, N FROM T EMIT CHANGES LIMIT 20000")
        expected = {f"k{i % 997}": i for i in range(20_000)}
        del expected["k5"]
        assert dict(handle) == expected
        assert handle.exact
        assert handle.stats.read == 20_000


def pieces(channel, body, size=10_007):
    for start in range(0, len(body), size):
        channel.send(body[start : start + size])


def test_100000_rows_come_whole(standin, tmp_path):
    is_running(standin)
    body = push_v1("`N` BIGINT", [[i] for i in range(100_000)], end="limit").body
    standin.on("POST", "/query-stream", Live(lambda channel: pieces(channel, body, 65_536)))
    with cells_on(standin, tmp_path) as cells:
        handle = cells.ksql("SELECT N FROM T EMIT CHANGES LIMIT 100000")
        assert [row[0] for row in handle] == list(range(100_000))


def test_what_goes_beyond_the_memory_is_partial(standin, tmp_path):
    is_running(standin)
    standin.on("POST", "/query-stream", push_v1("`S` STRING", [["x" * 1000]] * 200, end="limit"))
    with cells_on(standin, tmp_path) as cells:
        cells.config(memory_budget=50_000)
        handle = cells.ksql("SELECT S FROM T EMIT CHANGES LIMIT 200")
        with pytest.raises(PartialResultError):
            _ = handle.df
        assert 0 < len(handle.frame(partial=True)) < 200


def test_ten_queries_at_once_each_have_their_own_rows(cells):
    handles = []
    for number in range(10):
        sql = f"SELECT ID, {number} AS N FROM ORDERS EMIT CHANGES"
        handles.append(cells.ksql(sql, "--bg --from earliest", name=f"q{number}"))
    cells.ksql("INSERT INTO ORDERS VALUES ('d', 'tea', 1)")
    for number, handle in enumerate(handles):
        assert list(handle.wait(rows=4, seconds=10)) == [(key, number) for key in "abcd"]
    assert len(transients(cells.server)) == 10
    cells.shell.run_line_magic("reset", "-f")
    eventually(lambda: not transients(cells.server), 5, "no push query is left")


def test_threads_share_a_connection(cells):
    """Ten threads define and query at once: nothing is mixed up, and every statement is carried out once."""
    failures = []

    def work(engine, number):
        try:
            run(engine, f"CREATE STREAM S{number} AS SELECT ID, {number} AS N FROM ORDERS", start="earliest")
            ran = run(engine, f"SELECT ID, N FROM S{number} EMIT CHANGES LIMIT 3", start="earliest")
            assert ran.rows == [[key, number] for key in "abc"]
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    with engine_on(cells.server.url) as engine:
        threads = [threading.Thread(target=work, args=(engine, number)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert failures == []
    created = [r.sql for r in cells.server.requests if (r.sql or "").startswith("CREATE STREAM S")]
    assert len(created) == len(set(created)) == 10


def test_a_server_that_is_started_again_is_gone_on_with(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(rest, "_FIRST_PAUSE", 0.02)
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS + ROWS)
        running = cells.ksql(PUSH, "--bg --from earliest").wait(rows=3, seconds=5)
        tiny.kill()
        with TinyKsql(port=tiny.port, engine=tiny.engine) as again:
            with pytest.raises(StreamMagicError):
                running.wait(seconds=5)
            cells.ksql("INSERT INTO ORDERS VALUES ('d', 'tea', 1)")
            cells.ksql("CREATE STREAM BIG AS SELECT * FROM ORDERS WHERE QTY > 2", "--from earliest")
            assert cells.rows(PUSH + " LIMIT 4", "--from earliest") == [("a",), ("b",), ("c",), ("d",)]
            cells.shell.run_line_magic("unload_ext", "streammagic")
            again.wait_until_idle()


def test_a_server_that_comes_back_while_a_statement_waits_gets_it(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS)
        tiny.kill()
        servers = []
        timer = threading.Timer(0.3, lambda: servers.append(TinyKsql(port=tiny.port, engine=tiny.engine)))
        timer.start()
        cells.ksql("INSERT INTO ORDERS VALUES ('d', 'tea', 1)")
        timer.join()
        cells.shell.run_line_magic("unload_ext", "streammagic")
        servers[0].wait_until_idle()
        servers[0].stop()
    assert len(tiny.engine.topics["orders"].records) == 1


def test_warnings_of_the_server_are_shown(silent):
    warned = {
        "@type": "currentStatus",
        "statementText": "",
        "commandId": "stream/S/drop",
        "warnings": [{"message": "It is degraded."}],
    }
    status = {"status": "SUCCESS", "message": "Source `S` (topic: s) was dropped.", "queryId": None}
    silent.server.on(
        "POST",
        "/ksql",
        entity(warned | {"commandStatus": status, "commandSequenceNumber": 2}),
        sql="DROP STREAM S;",
    )
    assert "It is degraded" in silent.shown("DROP STREAM S")


def test_a_frame_becomes_a_stream(cells):
    import pandas as pd

    cells.shell.user_ns["df"] = pd.DataFrame({"city": ["Oslo", "it's"], "n": [1, None]})
    cells.shell.run_cell("%stream load df --as cities --engine ksql")
    assert cells.shell.shown[-1] == "cities: 2 rows of df"
    assert sorted(cells.ksql("SELECT city FROM cities EMIT CHANGES LIMIT 2", "--from earliest")) == [
        ("Oslo",),
        ("it's",),
    ]
    with pytest.raises(SqlError):
        cells.shell.run_cell("%stream load df --as cities --engine ksql")
    cells.shell.run_cell("%stream load df --as cities --engine ksql --replace")
