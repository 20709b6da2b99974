"""What was observed on a running ksqlDB 7.4, each against its recording: what a person gets of it."""

import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from ksqldb.recordings import labelled, recorded
from ksqldb.shells import cells_on, description, engine_on, fails, is_running, run, said, source, statement
from ksqldb.standin import StandIn, generic_error, info, push_v1

from streammagic.engines.base import QueryOptions
from streammagic.engines.ksqldb import cursor, rest
from streammagic.errors import ConnectionFailedError, JobFailedError, SqlError
from streammagic.results.changes import RowKind

INSERT, UPDATE, DELETE = RowKind.INSERT, RowKind.UPDATE_AFTER, RowKind.DELETE


@pytest.fixture
def replayed(standin, shared_ksqldb):
    """A server that answers as recorded, by the statement; what it is asked beside that is made up."""
    del shared_ksqldb

    def replay(*names, version="7.4.0"):
        for name in names:
            standin.replay(name, by_sql=True)
        is_running(standin, version)
        return standin

    return replay


def table(server, *keys, window=None, sources=("T",)):
    """Let EXPLAIN tell of a table, whose source has such windows."""
    server.on("POST", "/ksql", description(keys, table=True, sources=sources), sql=re.compile("^EXPLAIN"))
    server.on("POST", "/ksql", source("T", window=window, kind="TABLE"), sql="DESCRIBE T;")


# Endpoints and their answers


def test_statements_with_no_content_type_and_answers_in_chunks_are_read(replayed):
    server = replayed("30")
    with engine_on(server) as engine:
        ran = run(engine, "SELECT ID, ITEM, QTY, PRICE FROM ORDERS EMIT CHANGES LIMIT 3")
    answer = labelled("30", "SELECT ID, ITEM").answer
    assert "content-type" not in {name.lower() for name, _ in answer.headers}
    assert ran.decoded == [
        ("o2", "tea", 10, Decimal("12.00")),
        ("o1", "tea", 3, Decimal("1.50")),
        ("o4", "coffee's", 1, Decimal("99999999.99")),
    ]


def test_limit_0_is_an_empty_result(replayed):
    with engine_on(replayed("30")) as engine:
        ran = run(engine, "SELECT ID FROM ORDERS EMIT CHANGES LIMIT 0")
    assert ran.rows == []
    assert ran.schema.names == ("ID",)


def test_the_dangling_comma_after_an_error_is_read_over(replayed):
    server = replayed("43")
    (asked,) = {
        one.request.sql
        for one in recorded("43")
        if one.answer.body.rstrip().endswith(b",\n]") and one.request.path == "/query-stream"
    }
    with engine_on(server) as engine:
        error = fails(engine, asked.rstrip(";"), JobFailedError)
    assert error.message == "A topic that the query reads was deleted."


def test_a_server_that_is_being_stopped_ends_the_query_as_others_do(replayed):
    with engine_on(replayed("50")) as engine:
        error = fails(engine, "SELECT ID FROM ORDERS EMIT CHANGES", JobFailedError)
    assert error.message == "ksqlDB ended the query, and not from here."
    assert "The server is being stopped, or somebody ended the query" in error.hint


def test_a_query_terminated_by_others_ends_as_if_the_server_was_stopped(replayed):
    asked = recorded("33")[0].request.sql
    with engine_on(replayed("33")) as engine:
        error = fails(engine, asked.rstrip(";"), JobFailedError)
    assert error.message == "ksqlDB ended the query, and not from here."


def test_a_killed_server_breaks_the_answer_off(replayed):
    with engine_on(replayed("51")) as engine:
        error = fails(engine, "SELECT ID FROM ORDERS EMIT CHANGES", ConnectionFailedError)
    assert "broke off in the middle of its answer" in error.message


# A server that starts


def test_a_restarted_server_is_waited_for_until_its_tables_are_restored(replayed, monkeypatch):
    monkeypatch.setattr(rest, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(cursor, "_FIRST_PAUSE", 0.01)
    sql = "SELECT * FROM ITEM_COUNT WHERE ITEM='tea'"
    answers = [one.answer for one in recorded("51") if one.request.sql == f"{sql};" and one.answer.status]
    assert {answer.code for answer in answers} == {503, 400}
    server = replayed()
    good = labelled("36", "SELECT * FROM ITEM_COUNT WHERE ITEM = 'tea'; [application/vnd.ksql").answer
    queue = [*answers[:2], *[one for one in answers if one.code == 400][:2], good]
    server.on("POST", "/query-stream", lambda _: queue.pop(0))
    with engine_on(server) as engine:
        ran = run(engine, sql)
    assert ran.schema.names == ("ITEM", "N", "TOTAL")
    assert len(ran.rows) == 1
    assert queue == []


def test_a_table_that_is_never_restored_is_given_up(replayed, monkeypatch):
    monkeypatch.setattr(cursor, "_RETRY_SECONDS", 0.3)
    with engine_on(replayed("52")) as engine:
        error = fails(engine, "SELECT * FROM ITEM_COUNT WHERE ITEM='tea'", SqlError)
    assert "The table can't be read yet" in error.message


@pytest.mark.usefixtures("shared_ksqldb")
def test_a_server_that_does_not_get_ready_is_given_up(standin, monkeypatch):
    monkeypatch.setattr(rest, "_STARTING_SECONDS", 0.3)
    starting = next(one.answer for one in recorded("50") if one.answer.status and one.answer.code == 503)
    standin.on("GET", "/info", starting)
    with pytest.raises(ConnectionFailedError, match="ksqlDB is still starting") as caught, engine_on(standin):
        pass
    assert "Run it again in a moment" in caught.value.hint
    assert len(standin.requests) > 1


# Tables


def test_tombstones_take_the_rows_of_their_keys_away(replayed):
    server = replayed("40")
    table(server, "ID")
    with engine_on(server) as engine:
        ran = run(engine, "SELECT * FROM USERS_Q EMIT CHANGES", rows=5)
    assert ran.kinds == [UPDATE, UPDATE, DELETE, UPDATE, UPDATE]
    assert sorted(ran.table) == [("u1", "Ann", 30), ("u2", "Bob", 21), ("u3", None, 50)]
    assert ran.schema.inexact == ""


def test_a_row_that_leaves_a_filter_is_taken_away(replayed):
    server = replayed("40")
    table(server, "ID")
    with engine_on(server) as engine:
        ran = run(engine, "SELECT ID, NAME FROM USERS WHERE AGE > 17 EMIT CHANGES", rows=5)
    assert sorted(ran.table) == [("u1", "Ann"), ("u2", "Bob"), ("u3", None)]


@pytest.mark.usefixtures("shared_ksqldb")
def test_tombstones_without_their_key_make_the_table_approximate(replayed, tmp_path):
    server = replayed()
    table(server, "ID")
    server.on("POST", "/query-stream", labelled("40", "push without the key column").answer.paced(0))
    with cells_on(server, tmp_path) as cells:
        handle = cells.ksql("SELECT NAME FROM USERS_Q EMIT CHANGES", "--bg")
        handle.wait(rows=4, seconds=5)
        assert not handle.exact
        text = handle.bundle()["text/plain"]
        handle.stop()
    assert "approximate: the key (ID) is not selected" in text
    assert " approximate " in text


def windowed(ran):
    """Return the rows as the last one of each key and window tells, found without a fold."""
    names = [name for name in ("ITEM", "ID", "WINDOWSTART", "WINDOWEND") if name in ran.schema.names]
    places = [ran.schema.names.index(name) for name in names]
    found = {}
    for row, kind in zip(ran.rows, ran.kinds, strict=True):
        key = tuple(row[place] for place in places)
        found.pop(key, None)
        if kind is not DELETE:
            found[key] = tuple(row)
    return sorted(found.values())


@pytest.mark.parametrize(
    ("label", "window"),
    [
        ("push on windowed table application/vnd", "TUMBLING"),
        ("ad-hoc tumbling", None),
        ("ad-hoc session", None),
        ("HAVING", None),
    ],
)
@pytest.mark.usefixtures("shared_ksqldb")
def test_windows_are_rows_of_their_own(replayed, label, window):
    one = labelled("41", label)
    count = one.answer.body.count(b'{"row"')
    server = replayed("41")
    table(server, "ITEM", window=window)
    with engine_on(server) as engine:
        ran = run(engine, one.request.sql.rstrip(";"), rows=count)
    assert ran.schema.key is not None
    assert ran.schema.inexact == ""
    assert sorted(ran.table) == windowed(ran)
    assert len(ran.table) < count
    if label.startswith(("HAVING", "ad-hoc session")):
        assert DELETE in ran.kinds


def test_a_windowed_table_without_its_bounds_is_approximate(replayed):
    server = replayed()
    table(server, "ITEM")
    server.on("POST", "/query-stream", labelled("41", "EMIT FINAL").answer)
    with engine_on(server) as engine:
        sql = (
            "SELECT ITEM, COUNT(*) AS N FROM ORDERS WINDOW TUMBLING (SIZE 1 SECONDS) GROUP BY ITEM EMIT FINAL"
        )
        cursor = run_until_header(engine, sql)
    assert "WINDOWSTART" in cursor.schema.inexact


def run_until_header(engine, sql):
    cursor = engine.query(statement(sql), QueryOptions())
    next(iter(cursor))
    cursor.close()
    return cursor


def test_two_windows_of_a_key_are_two_rows_of_a_windowed_table(replayed):
    server = replayed()
    table(server, "ITEM", window="HOPPING")
    rows = [["tea", 0, 60, 1], ["tea", 30, 90, 1], ["tea", 0, 60, 2]]
    schema = "`ITEM` STRING, `WINDOWSTART` BIGINT, `WINDOWEND` BIGINT, `N` BIGINT"
    server.on("POST", "/query-stream", push_v1(schema, rows, end="limit"))
    with engine_on(server) as engine:
        ran = run(engine, "SELECT * FROM T EMIT CHANGES LIMIT 3")
    assert sorted(ran.table) == [("tea", 0, 60, 2), ("tea", 30, 90, 1)]


@pytest.mark.usefixtures("shared_ksqldb")
def test_closed_windows_of_emit_final_come_once_each(replayed):
    one = labelled("48", "EMIT FINAL")
    server = replayed("48")
    table(server, "ID")
    with engine_on(server) as engine:
        ran = run(engine, one.request.sql.rstrip(";"), rows=one.answer.body.count(b'{"row"'))
    assert [(row[0], row[1], row[3]) for row in ran.table] == [
        ("a", 1700000000000, 2),
        ("a", 1700000010000, 2),
    ]


# Names, values, sizes


@pytest.mark.parametrize(
    ("sql", "names", "row"),
    [
        (
            "SELECT * FROM `Low` EMIT CHANGES LIMIT 1",
            ("id", "My Col", "select"),
            ("x", 1, "it's -- no; comment /* x */"),
        ),
        (
            "SELECT `id`, `My Col` + 1, `select` AS `q``r`, `select` AS `a,b> c` FROM `Low` EMIT CHANGES LIMIT 1",
            ("id", "KSQL_COL_0", "q`r", "a,b> c"),
            ("x", 2, "it's -- no; comment /* x */", "it's -- no; comment /* x */"),
        ),
        (
            "SELECT STRUCT(`x y` := 1, `b``t` := 2) AS S FROM `Low` EMIT CHANGES LIMIT 1",
            ("S",),
            ({"x y": 1, "b`t": 2},),
        ),
    ],
)
def test_names_in_back_ticks_are_read_as_they_are(replayed, sql, names, row):
    with engine_on(replayed("57")) as engine:
        ran = run(engine, sql)
    assert ran.schema.names == names
    assert ran.decoded == [row]


def test_a_name_in_back_ticks_is_followed_and_described(replayed):
    server = replayed("57")
    with engine_on(server) as engine:
        sql = next(one.request.sql for one in recorded("57") if one.label.startswith("CREATE STREAM `Low`"))
        run(engine, sql.rstrip(";"))
        error = fails(engine, "DESCRIBE Low", SqlError)
    assert "Low" in error.hint


def test_a_row_of_300_kb_is_one_row(replayed):
    with engine_on(replayed("47")) as engine:
        ran = run(engine, "SELECT * FROM BIGROW EMIT CHANGES LIMIT 2")
    assert [len(row[1]) for row in ran.rows] == [300_000, 5]


def test_a_thousand_rows_in_a_thousand_chunks_are_all_there(replayed):
    (sql,) = {
        one.request.sql for one in recorded("47") if one.request.sql and "LIMIT 1000" in one.request.sql
    }
    with engine_on(replayed("47")) as engine:
        ran = run(engine, sql.rstrip(";"))
    assert len(ran.rows) == 1000


def test_a_row_too_big_for_kafka_is_told_so(replayed):
    sql = next(one.request.sql for one in recorded("47") if one.label.startswith("2 MB row"))
    server = replayed()
    server.on("POST", "/ksql", labelled("47", "2 MB row").answer, sql=re.compile("^INSERT"))
    with engine_on(server) as engine:
        assert "too big for Kafka: 2000100 bytes" in fails(engine, sql.rstrip(";"), SqlError).message


def test_data_that_looks_like_errors_is_data(replayed):
    rows = [
        one
        for one in recorded("44")
        if one.request.path == "/query-stream"
        and one.request.accept == "application/vnd.ksql.v1+json"
        and "EMIT CHANGES" in (one.request.sql or "")
        and one.answer.code == 200
    ]
    assert rows
    server = replayed("44")
    with engine_on(server) as engine:
        for one in rows:
            count = one.answer.body.count(b'{"row"')
            ran = run(engine, one.request.sql.rstrip(";"), rows=count, may_fail=True)
            assert len(ran.rows) == count


def test_every_type_comes_as_the_python_value_that_it_is(replayed, tmp_path):
    sql = recorded("11")[0].request.sql
    assert sql == "SELECT * FROM TYPES_S EMIT CHANGES LIMIT 2;"
    with cells_on(replayed("11"), tmp_path) as cells:
        handle = cells.ksql(sql)
        row = handle.df.iloc[0]
        shown = handle.bundle()["text/plain"]
    moment = dt.datetime(2023, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
    assert row["L"] == 9223372036854775807
    assert row["D"] == 1e10
    assert row["DEC"] == Decimal("12.5000")
    assert str(row["DEC"]) == "12.5000"
    assert row["S"] == 'é"\\n'
    assert row["BYT"] == b"hello"
    assert row["TS"] == moment
    assert row["DT"] == dt.date(2023, 1, 2) or row["DT"].date() == dt.date(2023, 1, 2)
    assert row["TM"] == dt.time(3, 4)
    assert row["AR"] == [1, None, 3]
    assert row["M"] == {"a": 1, "b": None}
    assert row["ST"] == {
        "A": 1,
        "b": "x",
        "TS": moment,
        "DT": dt.date(2023, 1, 2),
        "TM": dt.time(3, 4, 5),
        "DEC": Decimal("10.0000"),
        "BYT": b"hello",
        "N": {"X": 0.1},
    }
    assert "1672628645678" not in shown


def test_nulls_of_every_type_are_none(replayed, tmp_path):
    one = labelled("11", "pull on stream application/vnd")
    with cells_on(replayed("11"), tmp_path) as cells:
        handle = cells.ksql(one.request.sql)
        (row,) = (row for row in handle if row[0] == 2)
        assert set(row[1:]) == {None}
        assert "NULL" in handle.bundle()["text/plain"]
        found = handle.df
    assert found[found["K"] == 2].iloc[0].drop("K").isna().all()


# Kafka hangs, limits, credentials


def test_an_insert_that_kafka_does_not_take_was_not_written(replayed):
    server = replayed("52")
    with engine_on(server) as engine:
        error = fails(engine, "INSERT INTO ORDERS (ID) VALUES ('bd')", SqlError)
    assert "Kafka did not answer: the row was not written to orders" in error.message


def test_a_push_query_waits_for_a_hanging_kafka(replayed):
    with engine_on(replayed("52")) as engine:
        assert run(engine, "SELECT ID FROM ORDERS EMIT CHANGES", rows=1).rows == [["after"]]


def test_the_limit_of_push_queries_is_told_with_the_way_out(replayed, tmp_path):
    server = replayed()
    server.on("POST", "/query-stream", labelled("53", "third push application/vnd").answer)
    with cells_on(server, tmp_path) as cells:
        error = cells.fails("SELECT ID FROM ORDERS EMIT CHANGES")
        assert "As many push queries run as the server allows." in said(error)
        assert "handle.stop()" in said(error)
    assert len([r for r in server.requests if r.path == "/query-stream"]) == 1


def test_a_pull_query_at_the_rate_limit_is_sent_again(replayed, monkeypatch):
    monkeypatch.setattr(cursor, "_FIRST_PAUSE", 0.01)
    server = replayed()
    good = labelled("36", "SELECT * FROM ITEM_COUNT WHERE ITEM = 'tea'; [application/vnd.ksql").answer
    limited = next(one.answer for one in recorded("53") if one.answer.status and one.answer.code == 429)
    server.on("POST", "/query-stream", good)
    server.on("POST", "/query-stream", limited, times=2)
    with engine_on(server) as engine:
        assert len(run(engine, "SELECT * FROM ITEM_COUNT WHERE ITEM='tea'").rows) == 1


def test_a_rate_limit_that_lasts_is_told(replayed, monkeypatch):
    monkeypatch.setattr(cursor, "_RETRY_SECONDS", 0.3)
    server = replayed()
    limited = next(one.answer for one in recorded("53") if one.answer.status and one.answer.code == 429)
    server.on("POST", "/query-stream", limited)
    with engine_on(server) as engine:
        error = fails(engine, "SELECT * FROM ITEM_COUNT WHERE ITEM='tea'", SqlError)
    assert "The server limits pull queries, and they were too many." in error.message


@pytest.mark.usefixtures("shared_ksqldb")
def test_credentials_are_sent_with_every_request(tmp_path):
    credentials = {"STREAMMAGIC_USER": "ann", "STREAMMAGIC_PASSWORD": "secret"}
    with StandIn(auth=("ann", "secret")) as server:
        is_running(server)
        server.on("POST", "/query-stream", labelled("30", "LIMIT 0").answer)
        with cells_on(server, tmp_path, **credentials) as cells:
            assert cells.rows("SELECT ID FROM ORDERS EMIT CHANGES LIMIT 0") == []
        assert len(server.requests) > 2


# Older servers


@pytest.mark.parametrize("version", ["0.21.0", "7.0.1"])
def test_an_old_server_is_asked_on_its_old_endpoint(replayed, version):
    server = replayed("59", version=version)
    sql = next(
        one.request.sql for one in recorded("59") if one.label.startswith("push LIMIT 2 [application/vnd")
    )
    with engine_on(server) as engine:
        ran = run(engine, sql.rstrip(";"), start="earliest")
    assert len(ran.rows) == 2
    asked = next(r for r in server.requests if r.path == "/query")
    assert asked.json["streamsProperties"] == {"auto.offset.reset": "earliest"}


@pytest.mark.parametrize("version", ["0.21.0", "7.0.1"])
def test_the_heartbeat_of_an_old_server_is_no_row(replayed, version):
    server = replayed("59", version=version)
    one = labelled("59", "idle 6 s")
    assert one.answer.body.count(b"\n\n") > 2
    with engine_on(server) as engine:
        cursor = run_until_header(engine, one.request.sql.rstrip(";"))
    assert cursor.schema.columns


def test_variables_are_put_in_here_for_an_old_server(replayed):
    server = replayed("59", version="7.0.1")
    with engine_on(server) as engine:
        server.on("POST", "/ksql", labelled("18", "DEFINE v").answer, sql=re.compile("^DEFINE"))
        run(engine, "DEFINE SRC = 'ORDERS'")
        sql = next(
            one.request.sql for one in recorded("59") if one.label.startswith("push LIMIT 2 [application/vnd")
        )
        typed = sql.rstrip(";").replace("FROM ORDERS", "FROM ${src} -- ${src}\n")
        server.on("POST", "/query", labelled("59", "push LIMIT 2 [application/vnd").answer)
        run(engine, typed)
    asked = next(r for r in server.requests if r.path == "/query")
    assert "FROM ORDERS -- ${src}" in asked.sql
    assert "sessionVariables" not in asked.json


@pytest.mark.parametrize("version", ["7.3.0", "7.4.0"])
def test_printed_records_are_rows_and_the_formats_notes(replayed, version):
    server = replayed("42", version=version)
    sql = recorded("42")[0].request.sql
    with engine_on(server) as engine:
        ran = run(engine, sql.rstrip(";"))
    assert ran.schema.names == ("rowtime", "key", "value", "partition")
    assert [row[1] for row in ran.rows] == ["o2", "o4"]
    assert json.loads(ran.rows[1][2])["NOTE"] == "note é 漢字 \U0001f600"
    formats = ["Key format: KAFKA_STRING", "Value format: JSON or KAFKA_STRING"]
    assert ran.notes == (formats if version == "7.3.0" else [])


@pytest.mark.parametrize("version", ["7.3.0", "7.4.0"])
def test_printing_an_unknown_topic_is_told(replayed, version):
    server = replayed("42", version=version)
    sql = next(one.request.sql for one in recorded("42") if "nosuch" in (one.request.sql or "").lower())
    with engine_on(server) as engine:
        assert "There is no topic" in fails(engine, sql.rstrip(";"), SqlError).message


def test_a_server_that_wants_http_2_is_named_too_old(standin):
    is_running(standin)
    answer = generic_error("This endpoint is only available when using HTTP2", 40004)
    standin.on("POST", "/query-stream", answer)
    with engine_on(standin) as engine:
        error = fails(engine, "SELECT ID FROM ORDERS EMIT CHANGES", SqlError)
    assert "HTTP/2 only" in error.message


# Small things


def test_a_forbidden_property_is_refused_at_once_though_set_accepts_it(tiny):
    """SET answers 200 (18), and every later request is then refused: it is sent along to have it checked."""
    refused = generic_error(
        "One or more properties overrides set locally are prohibited by the KSQL server (use UNSET to reset "
        "their default value): [ksql.service.id]"
    )
    tiny.on("POST", "/ksql", refused, fits=lambda r: "ksql.service.id" in r.json.get("streamsProperties", {}))
    with engine_on(tiny) as engine:
        error = fails(engine, "SET 'ksql.service.id' = 'x'", SqlError)
        assert "This server lets nobody set ksql.service.id." in error.message
        run(engine, "LIST STREAMS")


def test_a_drop_of_a_quoted_name_is_followed_to_its_end(replayed):
    with engine_on(replayed("57")) as engine:
        assert run(engine, "DROP STREAM `Low` DELETE TOPIC").notes


def test_an_old_close_query_that_knows_no_query_is_no_failure(replayed):
    server = replayed("59", version="7.0.1")
    one = labelled("59", "client closes")
    server.on("POST", "/close-query", labelled("59", "close-query").answer)
    with engine_on(server) as engine:
        run_until_header(engine, one.request.sql.rstrip(";"))
    query = next(r for r in server.requests if r.path == "/query")
    assert server.closed_by_client(query)


def test_the_version_tells_what_a_server_can(standin):
    standin.on("GET", "/info", info("0.29.0"))
    with engine_on(standin) as engine:
        assert engine.ping() == "ksqlDB 0.29.0"
    new, old = rest.Version("0.29.0"), rest.Version("7.0.1")
    assert new.prints_on_stream
    assert new.streams_over_http1
    assert not old.streams_over_http1
    assert not old.pauses
    assert rest.Version("built by hand").pauses
