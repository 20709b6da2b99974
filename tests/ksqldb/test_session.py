"""What lasts from one statement to the next: SET, UNSET, DEFINE, UNDEFINE, which the server forgets at once."""

import re

import pytest
from ksqldb.recordings import labelled
from ksqldb.shells import cells_on, engine_on, fails, is_running, run
from ksqldb.standin import entity, push_v1, statement_error

from streammagic.engines.ksqldb.session import Session
from streammagic.errors import SqlError, StreamMagicError
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split

ORDERS = "CREATE STREAM ORDERS (ID STRING KEY, ITEM STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1)"
PUSH = "SELECT ID FROM ORDERS EMIT CHANGES LIMIT 1"
PULL = "SELECT ID FROM T"
EARLIEST = {"auto.offset.reset": "earliest"}
LIST = "LIST STREAMS"


@pytest.fixture
def server(standin):
    is_running(standin)
    standin.on("POST", "/ksql", entity(), sql=re.compile("^(SET|UNSET|DEFINE|UNDEFINE)"))
    standin.on("POST", "/ksql", entity({"@type": "streams", "streams": []}), sql=f"{LIST};")
    for path in ("/query", "/query-stream"):
        standin.on("POST", path, push_v1("`ID` STRING", [["a"]], end="limit"))
    return standin


@pytest.fixture
def engine(server):
    with engine_on(server) as engine:
        yield engine


def last(server, path):
    """Return the body of the last request there."""
    return [request.json for request in server.requests if request.path == path][-1]


def test_a_property_goes_with_every_later_request_under_the_fields_of_its_endpoint(engine, server):
    run(engine, "SET 'auto.offset.reset' = 'earliest'")
    run(engine, LIST)
    assert last(server, "/ksql")["streamsProperties"] == EARLIEST
    run(engine, PULL)
    assert last(server, "/query-stream")["properties"] == EARLIEST
    assert "streamsProperties" not in last(server, "/query-stream")


def test_a_variable_goes_with_every_later_request(engine, server):
    run(engine, "DEFINE what = 'ORDERS'")
    run(engine, LIST)
    assert last(server, "/ksql")["sessionVariables"] == {"what": "ORDERS"}
    run(engine, PULL)
    assert last(server, "/query-stream")["sessionVariables"] == {"what": "ORDERS"}


def test_an_old_server_gets_properties_under_the_old_name(standin):
    standin.on("POST", "/query", push_v1("`ID` STRING", [["a"]], end="limit"))
    is_running(standin, "7.0.1")
    with engine_on(standin, properties=EARLIEST) as engine:
        run(engine, PULL)
    assert last(standin, "/query") == {"ksql": f"{PULL};", "streamsProperties": EARLIEST}


def test_what_is_taken_away_goes_with_nothing_any_more(engine, server):
    run(engine, "SET 'auto.offset.reset' = 'earliest'")
    run(engine, "DEFINE what = 'ORDERS'")
    assert run(engine, "UNSET 'auto.offset.reset'").notes == []
    assert run(engine, "UNDEFINE WHAT").notes == []
    run(engine, LIST)
    assert last(server, "/ksql")["streamsProperties"] == {}
    assert last(server, "/ksql")["sessionVariables"] == {}


def test_to_take_away_what_is_not_set_is_said_to_be_no_use(engine):
    assert run(engine, "UNSET 'auto.offset.reset'").notes == ["it was not set"]


@pytest.mark.usefixtures("shared_ksqldb")
def test_to_take_away_an_unknown_variable_is_said_to_be_no_use(engine, server):
    server.on("POST", "/ksql", labelled("18", "UNDEFINE unknown").answer, sql=re.compile("^UNDEFINE"))
    (note,) = run(engine, "UNDEFINE v").notes
    assert "never defined" in note


@pytest.mark.usefixtures("shared_ksqldb")
def test_to_take_away_an_unknown_property_is_refused(engine, server):
    server.on("POST", "/ksql", labelled("18", "UNSET 'no.such'").answer, sql=re.compile("^UNSET"))
    assert "There is no property no.such." in str(fails(engine, "UNSET 'no.such'", SqlError))


@pytest.mark.parametrize(
    ("label", "sql", "said"),
    [
        ("SET unknown", "SET 'no.such' = '1'", "There is no property no.such."),
        ("SET bad value", "SET 'auto.offset.reset' = 'bogus'", "bogus is no value for auto.offset.reset."),
    ],
)
@pytest.mark.usefixtures("shared_ksqldb")
def test_a_refused_setting_is_not_kept(engine, server, label, sql, said):
    server.on("POST", "/ksql", labelled("18", label).answer, sql=re.compile("^SET"))
    assert said in str(fails(engine, sql, SqlError))
    run(engine, LIST)
    assert last(server, "/ksql")["streamsProperties"] == {}


def test_a_bad_property_of_the_configuration_can_be_taken_away(server):
    refused = statement_error(
        "Not recognizable as ksql, streams, consumer, or producer property: 'no.such'",
        "",
        50000,
        "500 Internal Server Error",
    )
    server.on("POST", "/ksql", refused, fits=lambda r: "no.such" in r.json["streamsProperties"])
    with engine_on(server, properties={"no.such": "1"}) as engine:
        assert "There is no property no.such." in str(fails(engine, LIST, SqlError))
        run(engine, "UNSET 'no.such'")
        run(engine, LIST)


def test_both_names_of_a_property_are_one(engine, server):
    run(engine, "SET 'ksql.streams.auto.offset.reset' = 'latest'")
    run(engine, PUSH, start="earliest")
    assert last(server, "/query-stream")["properties"] == EARLIEST
    run(engine, "UNSET 'auto.offset.reset'")
    run(engine, LIST)
    assert last(server, "/ksql")["streamsProperties"] == {}


def test_an_option_holds_for_its_statement_only_and_set_goes_before_from(engine, server):
    run(engine, PUSH, start="earliest")
    assert last(server, "/query-stream")["properties"] == EARLIEST
    run(engine, PUSH, start="earliest", **{"auto.offset.reset": "latest", "num.stream.threads": "2"})
    assert last(server, "/query-stream")["properties"] == {
        "auto.offset.reset": "latest",
        "num.stream.threads": "2",
    }
    run(engine, PUSH)
    assert last(server, "/query-stream")["properties"] == {}


def test_values_may_be_made_of_variables(engine, server):
    run(engine, "DEFINE where_from = 'earliest'")
    run(engine, "SET 'auto.offset.reset' = '${where_from}'")
    run(engine, LIST)
    assert last(server, "/ksql")["streamsProperties"] == EARLIEST


def test_a_connection_that_takes_the_place_of_another_has_its_settings(engine, server):
    run(engine, "SET 'auto.offset.reset' = 'earliest'")
    run(engine, "DEFINE what = 'ORDERS'")
    with engine_on(server) as after:
        after.succeed(engine)
        run(after, LIST)
        engine.close()
    assert last(server, "/ksql")["streamsProperties"] == EARLIEST
    assert last(server, "/ksql")["sessionVariables"] == {"what": "ORDERS"}


def test_settings_of_the_configuration_begin_every_session(server):
    init = "DEFINE what = 'ORDERS';\nSET 'num.stream.threads' = '2';"
    with engine_on(server, properties=EARLIEST, init_sql=init) as engine:
        run(engine, LIST)
    assert last(server, "/ksql")["streamsProperties"] == EARLIEST | {"num.stream.threads": "2"}
    assert last(server, "/ksql")["sessionVariables"] == {"what": "ORDERS"}


def test_a_mistake_in_the_configurations_sql_is_named_and_leaves_no_connection(server):
    server.on("POST", "/ksql", statement_error("Unknown property: no.such", ""), sql=re.compile("^SET"))
    with pytest.raises(SqlError) as caught, engine_on(server, init_sql="\nSET 'no.such' = '1';"):
        pass
    assert str(caught.value).startswith("StreamMagic.ksql_init_sql, line 2: There is no property no.such.")
    server.wait_until_idle()


def test_variables_are_put_in_strings_but_not_in_comments():
    session = Session({})
    (define,) = split("DEFINE x = 'a''b'", KsqlDialect())
    session.apply(define)
    assert session.expand("SELECT '${X}', ${ x }, ${y} -- ${x}") == "SELECT 'a'b', a'b, ${y} -- ${x}"


# In cells


def test_a_setting_lasts_from_cell_to_cell_and_is_told_while_a_query_runs(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS)
        cells.ksql("INSERT INTO ORDERS VALUES ('a', 'tea')")
        silent = cells.ksql("SELECT ID FROM ORDERS EMIT CHANGES", "--bg")
        silent.wait(rows=0, seconds=5)
        assert "· from latest ·" in silent.wait(seconds=0).bundle()["text/plain"]
        silent.stop()
        cells.ksql("SET 'auto.offset.reset' = 'earliest'")
        found = cells.ksql("SELECT ID FROM ORDERS EMIT CHANGES", "--bg").wait(rows=1, seconds=5)
        assert "· from earliest ·" in found.bundle()["text/plain"]
        found.stop()
        cells.ksql("UNSET 'auto.offset.reset'")
        found = cells.ksql("SELECT ID FROM ORDERS EMIT CHANGES", "--bg --from earliest").wait(
            rows=1, seconds=5
        )
        assert "· from earliest ·" in found.bundle()["text/plain"]
        found.stop()


def test_the_servers_own_setting_is_what_the_status_line_tells(server, tmp_path):
    is_running(server, properties=[("ksql.streams.auto.offset.reset", "earliest")])
    server.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"]]))
    with cells_on(server, tmp_path) as cells:
        for _ in range(2):
            handle = cells.ksql("SELECT ID FROM ORDERS EMIT CHANGES", "--bg").wait(rows=1, seconds=5)
            assert "· from earliest ·" in handle.bundle()["text/plain"]
            handle.stop()
    assert sum(request.sql == "LIST PROPERTIES;" for request in server.requests) == 1


def test_traitlets_are_the_settings_of_every_connection(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.config(ksql_properties=EARLIEST, ksql_init_sql="DEFINE t = 'ORDERS';")
        cells.ksql(ORDERS)
        cells.ksql("INSERT INTO ${t} VALUES ('a', 'tea')")
        assert cells.rows("SELECT ID FROM ${t} EMIT CHANGES LIMIT 1") == [("a",)]


def test_what_belongs_to_the_command_line_is_said_to_be_of_no_use(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        before = len(tiny.requests)
        assert "HISTORY belongs to ksqlDB's command line" in cells.shown("HISTORY")
        assert len(tiny.requests) == before + 1  # that it is there


# Pull and push


def test_a_refused_pull_query_offers_its_push_form(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS.replace("STREAM ORDERS (ID STRING KEY", "TABLE U (ID STRING PRIMARY KEY"))
        error = cells.fails("SELECT ID FROM U", kind=SqlError)
        assert "SELECT ID FROM U EMIT CHANGES" in error.hint


def test_a_refused_aggregation_offers_its_push_form(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS)
        error = cells.fails("SELECT ITEM, COUNT(*) FROM ORDERS GROUP BY ITEM LIMIT 3", kind=SqlError)
        assert "GROUP BY ITEM EMIT CHANGES LIMIT 3" in error.hint


def test_selects_become_push_queries_where_that_is_the_setting(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.config(ksql_emit_changes="add")
        cells.ksql(ORDERS)
        cells.ksql("INSERT INTO ORDERS VALUES ('a', 'tea')")
        sql = "SELECT ITEM, COUNT(*) AS N FROM ORDERS GROUP BY ITEM"
        handle = cells.ksql(sql, "--from earliest --bg").wait(rows=1, seconds=5)
        assert handle.status == "running"
        handle.stop()
        assert list(handle) == [("tea", 1)]
        assert cells.rows("SELECT ID FROM ORDERS EMIT CHANGES LIMIT 1", "--from earliest") == [("a",)]
        error = cells.fails("SELECT ID,\n  NOCOL FROM ORDERS LIMIT 1")
        assert (error.line, error.column) == (3, 3)
    sent = [request.sql for request in tiny.requests if request.path == "/query-stream"]
    assert sent[0] == f"{sql} EMIT CHANGES;"
    assert sent[-1] == "SELECT ID,\n  NOCOL FROM ORDERS EMIT CHANGES LIMIT 1;"


def test_a_name_that_is_nearly_right_is_offered(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS)
        for sql in ("SELECT * FROM ORDER_S EMIT CHANGES", "DESCRIBE ODRERS", "DROP STREAM ORDERZ"):
            assert cells.fails(sql, kind=StreamMagicError).hint == "Did you mean ORDERS?"
