"""How the engine talks to servers: what is sent again and what never, and what it says where no answer comes."""

import contextlib
import re
import socket
import threading

import pytest
import requests
from ksqldb.recordings import labelled, recorded
from ksqldb.shells import engine_on, fails, is_running, run, source, statement
from ksqldb.standin import (
    Answer,
    Live,
    StandIn,
    entity,
    generic_error,
    info,
    push_v1,
    sized,
    statement_error,
    streamed,
)
from ksqldb.tiny import TinyKsql
from ksqldb.tiny_data import Session

from streammagic.engines.base import QueryOptions, Settings
from streammagic.engines.http import Interruption
from streammagic.engines.ksqldb import commands, rest
from streammagic.engines.ksqldb.engine import KsqlEngine
from streammagic.errors import ConnectionFailedError, JobFailedError, OperationTimeoutError, SqlError

CREATE = "CREATE STREAM S (ID STRING KEY) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1)"
PUSH = "SELECT ID FROM ORDERS EMIT CHANGES"
HTML = (("content-type", "text/html"),)
NEVER = Answer(status="", end="open")
LOST = Answer(status="", end="cut")
FENCED = (
    "Producer with transactionalId 'nb_' and ProducerIdAndEpoch(producerId=0, epoch=60) has been fenced by "
    "another producer with the same transactionalId"
)


def created(name="S", number=2, status="SUCCESS"):
    return entity(
        {
            "@type": "currentStatus",
            "statementText": "",
            "commandId": f"stream/`{name}`/create",
            "commandStatus": {"status": status, "message": "Stream created", "queryId": None},
            "commandSequenceNumber": number,
        }
    )


def settings(server):
    return Settings(urls={"server": server.url})


def opened(engine, sql):
    """Return the cursor of a statement that is not read yet."""
    return engine.query(statement(sql), QueryOptions())


def sent(server, sql):
    """Return the requests with a statement."""
    return [request for request in server.requests if (request.sql or "").startswith(sql)]


@pytest.fixture
def running(standin):
    is_running(standin)
    return standin


@pytest.fixture
def other():
    with StandIn() as server:
        is_running(server)
        yield server


# One at a time


def test_definitions_of_all_threads_and_connections_are_never_sent_in_parallel(running):
    under_way, most = [], []

    def slowly(channel):
        under_way.append(1)
        most.append(len(under_way))
        channel.wait(0.05)
        under_way.pop()
        channel.send(b"[]")

    running.on("POST", "/ksql", Live(slowly), sql=re.compile("^(CREATE|DROP)"))
    with engine_on(running) as one, contextlib.closing(KsqlEngine(settings(running), None)) as two:
        threads = [
            threading.Thread(
                target=run, args=(engine, f"{word} STREAM S{i} (ID INT) WITH (VALUE_FORMAT='JSON')")
            )
            for i, word in enumerate(["CREATE"] * 3)
            for engine in (one, two)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(most) == 6
    assert max(most) == 1


def test_rows_are_inserted_while_a_definition_is_being_carried_out(running):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(channel):
        begun.set()
        go_on.wait(5)
        channel.send(b"[]")

    running.on("POST", "/ksql", Live(slowly), sql=re.compile("^CREATE"))
    running.on("POST", "/ksql", entity(), sql=re.compile("^INSERT"))
    with engine_on(running) as engine:
        thread = threading.Thread(target=run, args=(engine, CREATE))
        thread.start()
        assert begun.wait(5)
        run(engine, "INSERT INTO ORDERS VALUES ('a')")
        assert thread.is_alive()
        go_on.set()
        thread.join(5)


def test_who_waits_for_its_turn_can_be_interrupted_and_has_sent_nothing(running):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(channel):
        begun.set()
        go_on.wait(5)
        channel.send(b"[]")

    running.on("POST", "/ksql", Live(slowly), sql=re.compile("^CREATE"))
    with engine_on(running) as engine:
        thread = threading.Thread(target=run, args=(engine, CREATE))
        thread.start()
        assert begun.wait(5)
        cursor = opened(engine, "DROP STREAM S")
        cursor.interrupt()
        with pytest.raises(OperationTimeoutError, match="it was stopped before its turn came"):
            list(cursor)
        go_on.set()
        thread.join(5)
    assert not sent(running, "DROP")


@pytest.mark.parametrize("label", ["round 0 #0", "round 0 #1"])
@pytest.mark.usefixtures("shared_ksqldb")
def test_a_command_that_another_client_fenced_is_sent_again(running, label):
    running.on("POST", "/ksql", created(), sql=re.compile("^CREATE"))
    running.on("POST", "/ksql", labelled("55", label).answer, sql=re.compile("^CREATE"), times=2)
    with engine_on(running) as engine:
        run(engine, CREATE)
    assert len(sent(running, "CREATE")) == 3


def test_a_command_that_is_fenced_for_ever_is_not_sent_for_ever(running, monkeypatch):
    monkeypatch.setattr(rest, "_OTHERS_SECONDS", 0.5)
    running.on("POST", "/ksql", statement_error(FENCED, CREATE, 50000, "500 Internal Server Error"))
    with engine_on(running) as engine:
        error = fails(engine, CREATE, SqlError)
    assert "Another client's command came between" in str(error)
    assert 1 < len(sent(running, "CREATE")) < 6


# Unknown


def test_a_create_whose_answer_never_came_is_looked_up_and_is_there(running):
    running.on("POST", "/ksql", NEVER, sql=re.compile("^CREATE"))
    running.on("POST", "/ksql", source("S"), sql="DESCRIBE S;")
    with engine_on(running, operation_timeout=0.3) as engine:
        ran = run(engine, CREATE)
    assert ran.notes == ["the answer was lost; S is there"]
    assert len(sent(running, "CREATE")) == 1


def test_a_create_whose_answer_never_came_and_that_is_not_there_is_unknown(running, monkeypatch):
    monkeypatch.setattr(commands, "_LOOK_SECONDS", 0.3)
    running.on("POST", "/ksql", NEVER, sql=re.compile("^CREATE"))
    running.on("POST", "/ksql", labelled_unknown(), sql="DESCRIBE S;")
    with engine_on(running, operation_timeout=0.3) as engine:
        error = fails(engine, CREATE, OperationTimeoutError)
    assert "whether the statement was carried out is unknown" in str(error)
    assert "S is not there now, and may still come to be" in str(error)
    assert len(sent(running, "CREATE")) == 1
    assert len(sent(running, "DESCRIBE")) > 1


def labelled_unknown():
    return statement_error("Could not find STREAM/TABLE 'S' in the Metastore", "DESCRIBE S;")


@pytest.mark.parametrize(
    "lost",
    [
        LOST,
        NEVER,
        sized("502 Bad Gateway", "<html><body>Bad Gateway</body></html>", HTML),
        sized("503 Service Unavailable", "<html><body>no server is available</body></html>", HTML),
        sized("504 Gateway Time-out", "<html><body>timed out</body></html>", HTML),
        Answer("200 OK", (("content-length", "100"),), ((0.0, b'[{"@type"'),), end="cut"),
        statement_error(
            "Could not write the statement 'DROP STREAM S;' into the command topic.\nCaused by: Timeout expired "
            "after 60000ms while awaiting EndTxn(true)",
            "DROP STREAM S;",
            50000,
            "500 Internal Server Error",
        ),
    ],
    ids=["connection lost", "no answer", "502", "503", "504", "half an answer", "not confirmed"],
)
def test_what_may_have_been_carried_out_is_called_unknown_and_never_sent_again(running, lost):
    running.on("POST", "/ksql", lost, sql="DROP STREAM S;")
    with engine_on(running, operation_timeout=0.3) as engine:
        error = fails(engine, "DROP STREAM S", OperationTimeoutError)
    assert "whether the statement was carried out is unknown" in str(error)
    assert "Look with LIST STREAMS" in str(error)
    assert len(sent(running, "DROP")) == 1


def test_rows_whose_insert_got_no_answer_are_to_be_looked_for_by_a_select(running):
    running.on("POST", "/ksql", LOST, sql=re.compile("^INSERT"))
    with engine_on(running) as engine:
        error = fails(engine, "INSERT INTO ORDERS VALUES ('a')", OperationTimeoutError)
    assert "Look with a SELECT" in str(error)


def test_a_query_whose_connection_is_lost_at_once_is_told_so(running):
    running.on("POST", "/query-stream", LOST)
    with engine_on(running) as engine:
        error = fails(engine, PUSH, ConnectionFailedError)
    assert "closed the connection before it had answered" in error.message


def test_a_question_without_an_answer_is_asked_again(running):
    running.on("POST", "/ksql", entity({"@type": "type_list", "types": {}}), sql="LIST TYPES;")
    running.on("POST", "/ksql", LOST, sql="LIST TYPES;", times=2)
    with engine_on(running) as engine:
        run(engine, "LIST TYPES")
    assert len(sent(running, "LIST TYPES")) == 3


# Commands that take long


@pytest.mark.usefixtures("shared_ksqldb")
def test_a_queued_command_is_followed_to_its_end(running):
    running.replay("53", by_sql=True)
    running.on("GET", "/info", info())
    with engine_on(running) as engine:
        ran = run(engine, "CREATE STREAM QU AS SELECT ID, ITEM FROM ORDERS EMIT CHANGES")
    assert "a query fills it" in ran.notes[0]
    assert [r.path for r in running.requests if r.path.startswith("/status")] == [
        "/status/stream/%60QU%60/create"
    ] * 2


def test_a_command_that_fails_after_it_was_queued_has_failed(tiny):
    tiny.on("POST", "/ksql", created(status="QUEUED"), sql=re.compile("^CREATE"))
    failed = '{"status":"ERROR","message":"io.confluent.ksql.util.KsqlException: It is full","queryId":null}'
    tiny.on("GET", "/status/stream/%60S%60/create", sized("200 OK", failed))
    with engine_on(tiny) as engine:
        assert "It is full." in str(fails(engine, CREATE, SqlError))


def test_a_command_that_stays_queued_is_not_called_failed(running):
    running.on("POST", "/ksql", created(status="QUEUED"), sql=re.compile("^CREATE"))
    executing = '{"status":"EXECUTING","message":"Executing statement","queryId":null}'
    running.on("GET", "/status/stream/%60S%60/create", sized("200 OK", executing))
    with engine_on(running, operation_timeout=0.3) as engine:
        error = fails(engine, CREATE, OperationTimeoutError)
    assert "ksqlDB has the statement, and has not carried it out yet (executing)" in str(error)


def test_a_command_that_a_server_started_anew_has_forgotten_is_looked_up(running):
    forgotten = generic_error("Command not found", 40400, "404 Not Found")
    running.on("POST", "/ksql", created(status="QUEUED"), sql=re.compile("^CREATE"))
    running.on("GET", "/status/stream/%60S%60/create", forgotten)
    running.on("POST", "/ksql", source("S"), sql="DESCRIBE S;")
    with engine_on(running) as engine:
        assert run(engine, CREATE).notes == ["the answer was lost; S is there"]


def test_a_server_that_is_away_while_it_carries_out_a_command_is_waited_for(tiny):
    tiny.queue("^CREATE", polls=1)
    tiny.on("GET", "/status/stream/%60S%60/create", LOST, times=1)
    with engine_on(tiny) as engine:
        run(engine, CREATE)
        assert run(engine, "LIST STREAMS").rows[0][0] == "S"


def test_a_server_built_anew_knows_no_command_and_is_served_all_the_same(tiny):
    with engine_on(tiny) as engine:
        run(engine, CREATE)
        run(engine, CREATE.replace(" S ", " S2 "))
        port = tiny.port
        tiny.stop()
        with TinyKsql(port=port) as anew:
            run(engine, "LIST STREAMS")
            run(engine, CREATE)
            numbers = [r.json.get("commandSequenceNumber") for r in anew.requests if r.path == "/ksql"]
            assert numbers[0] is not None
            assert numbers[1:] == [None, None]


def test_a_definition_is_sent_again_without_the_number_that_a_new_server_waits_for(tiny):
    with engine_on(tiny) as engine:
        run(engine, CREATE)
        port = tiny.port
        tiny.stop()
        with TinyKsql(port=port) as anew:
            run(engine, CREATE)
            assert list(anew.engine.sources) == ["S"]


def test_the_newest_command_is_waited_for_by_the_next_request(tiny):
    with engine_on(tiny) as engine:
        run(engine, CREATE)
        run(engine, "LIST STREAMS")
    assert "commandSequenceNumber" not in sent(tiny, "CREATE")[0].json
    assert sent(tiny, "LIST STREAMS")[0].json["commandSequenceNumber"] == tiny.engine.sequence


# Several nodes


def test_a_node_that_refuses_is_left_for_the_next(running):
    with StandIn() as gone:
        pass
    with engine_on(gone.url, running) as engine:
        assert engine.ping() == "ksqlDB 7.4.0"


def test_a_node_that_starts_is_left_for_the_next(running, other):
    starting = generic_error("KSQL is not yet ready to serve requests.", 50302, "503 Service Unavailable")
    running.on("GET", "/info", starting)
    with engine_on(running, other) as engine:
        assert engine.ping() == "ksqlDB 7.4.0"


def test_a_definition_lost_on_one_node_is_not_sent_to_the_next(running, other):
    running.on("POST", "/ksql", LOST, sql="DROP STREAM S;")
    with engine_on(running, other) as engine:
        fails(engine, "DROP STREAM S", OperationTimeoutError)
    assert not sent(other, "DROP")


def test_a_definition_that_no_node_took_is_sent_to_the_next(running, other):
    with engine_on(running, other) as engine:
        running.stop()
        other.on("POST", "/ksql", entity(), sql="DROP STREAM S;")
        run(engine, "DROP STREAM S")
    assert len(sent(other, "DROP")) == 1


def test_a_question_lost_on_one_node_is_asked_of_the_next(running, other):
    running.on("POST", "/ksql", LOST, sql="LIST TYPES;")
    other.on("POST", "/ksql", entity({"@type": "type_list", "types": {}}), sql="LIST TYPES;")
    with engine_on(running, other) as engine:
        run(engine, "LIST TYPES")
        run(engine, "LIST TYPES")
    assert len(sent(running, "LIST TYPES")) == 1
    assert len(sent(other, "LIST TYPES")) == 2


def test_push_queries_are_closed_on_the_node_that_runs_them(running, other):
    other.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"]], query_id="transient_2"))
    with engine_on(running, other) as engine:
        running.stop()
        run(engine, PUSH, rows=1)
        assert other.wait_for(lambda r: r.path == "/close-query").json == {"queryId": "transient_2"}


# What answers, and who is asked


@pytest.mark.parametrize(
    "answer",
    [
        sized("200 OK", "<html>Welcome to nginx!</html>", HTML),
        sized("200 OK", '{"version":"1.2"}'),
        sized("200 OK", "[]"),
        sized("404 Not Found", "<html>Not Found</html>", HTML),
    ],
)
def test_what_is_no_ksqldb_is_told_so(standin, answer):
    standin.on("GET", "/info", answer)
    with pytest.raises(ConnectionFailedError, match=r"is not ksqlDB|is no ksqlDB server") as caught:
        KsqlEngine(settings(standin), None)
    assert "Check STREAMMAGIC_KSQLDB" in caught.value.hint
    standin.wait_until_idle()


@pytest.mark.parametrize("answer", [sized("200 OK", "<html>Log in</html>", HTML), sized("200 OK", "{}")])
def test_a_page_in_the_place_of_an_answer_is_told_so(running, answer):
    running.on("POST", "/ksql", answer, sql="LIST TYPES;")
    running.on("POST", "/query-stream", answer)
    with engine_on(running) as engine:
        assert "is not ksqlDB" in str(fails(engine, "LIST TYPES", ConnectionFailedError))
        assert "no result of ksqlDB" in str(fails(engine, PUSH, ConnectionFailedError))


def test_a_proxys_page_on_the_way_of_a_query_is_told_so(running):
    running.on("POST", "/query-stream", sized("404 Not Found", "<html><h1>Not here</h1></html>", HTML))
    with engine_on(running) as engine:
        error = fails(engine, PUSH, ConnectionFailedError)
    assert "What answers is no ksqlDB server, or a proxy before it (HTTP 404)." in str(error)
    assert error.cause == "Not here"


def test_nobody_there_is_told_with_the_address(standin, monkeypatch):
    monkeypatch.setattr(rest, "_REFUSED_SECONDS", 0.5)
    standin.stop()
    with pytest.raises(ConnectionFailedError, match="can't be reached") as caught:
        KsqlEngine(settings(standin), None)
    assert standin.url in caught.value.message
    assert "Connection refused" in caught.value.cause


@pytest.mark.usefixtures("shared_ksqldb")
def test_wrong_credentials_are_told_as_that():
    with StandIn(auth=("ann", "secret")) as server:
        is_running(server)
        with engine_on(server, auth=("ann", "secret")) as engine:
            assert engine.ping()
        for auth in (None, ("ann", "wrong")):
            with (
                pytest.raises(ConnectionFailedError, match=r"refused the credentials \(HTTP 401\)") as caught,
                engine_on(server, auth=auth),
            ):
                pass
            assert "STREAMMAGIC_USER and STREAMMAGIC_PASSWORD" in caught.value.hint
        server.wait_until_idle()


@pytest.mark.parametrize("label", ["wrong password", "/info no credentials"])
@pytest.mark.usefixtures("shared_ksqldb")
def test_recorded_refusals_of_credentials_are_told_as_that(standin, label):
    standin.on("GET", "/info", labelled("54", label).answer)
    with pytest.raises(ConnectionFailedError, match="refused the credentials"):
        KsqlEngine(settings(standin), None)


def test_a_topic_that_kafka_lets_one_not_read_is_no_matter_of_credentials(running):
    denied = statement_error(
        "Authorization denied to Read on topic(s): [orders]", PUSH, 40301, "403 Forbidden"
    )
    running.on("POST", "/query-stream", denied)
    with engine_on(running) as engine:
        error = fails(engine, PUSH, SqlError)
    assert "credentials" not in str(error)
    assert "orders" in str(error)


def test_a_servers_own_403_is_a_matter_of_credentials(running):
    running.on("POST", "/query-stream", generic_error("You are forbidden", 40300, "403 Forbidden"))
    with engine_on(running) as engine:
        assert "refused the credentials (HTTP 403)" in str(fails(engine, PUSH, ConnectionFailedError))


# TLS


@pytest.fixture
def over_tls():
    with StandIn(tls=True) as server:
        is_running(server)
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_way_out(over_tls):
    with pytest.raises(
        ConnectionFailedError, match=r"certificate of ksqlDB at .* was not accepted"
    ) as caught:
        KsqlEngine(settings(over_tls), None)
    assert "StreamMagic.ca_bundle" in caught.value.hint


@pytest.mark.parametrize("verify", ["bundle", False])
def test_a_query_over_tls_is_read_and_stopped(over_tls, verify):
    over_tls.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"]]))
    with engine_on(over_tls, verify=str(over_tls.certificate) if verify else False) as engine:
        assert run(engine, PUSH, rows=1).rows == [["a"]]


def test_a_silent_query_over_tls_can_be_interrupted(over_tls):
    over_tls.on("POST", "/query-stream", push_v1("`ID` STRING", []))
    with engine_on(over_tls, verify=False) as engine:
        cursor = opened(engine, PUSH)
        pages = iter(cursor)
        next(pages)
        timer = threading.Timer(0.1, cursor.interrupt)
        timer.start()
        assert list(pages) == []
        cursor.close()
        timer.join()


def test_tls_where_there_is_none_is_told():
    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConnectionFailedError, match="does not speak TLS") as caught:
            KsqlEngine(Settings(urls={"server": f"https://127.0.0.1:{listener.getsockname()[1]}"}), None)
        thread.join(5)
    assert "http://" in caught.value.hint


# The end of a query


@pytest.mark.usefixtures("shared_ksqldb")
def test_every_answer_to_close_query_is_good_enough(running):
    answers = {
        one.answer.body: one.answer
        for name in ("32", "37")
        for one in recorded(name)
        if one.request.path == "/close-query"
    }
    assert {answer.code for answer in answers.values()} == {200, 400, 500}
    with engine_on(running) as engine:
        running.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"]]))
        for answer in answers.values():
            running.on("POST", "/close-query", answer)
            assert run(engine, PUSH, rows=1).rows == [["a"]]
    queries = [request for request in running.requests if request.path == "/query-stream"]
    assert all(running.closed_by_client(query) for query in queries)


def test_a_server_that_does_not_answer_close_query_holds_nobody_up(running, monkeypatch):
    monkeypatch.setattr(rest, "_CLOSE_SECONDS", 0.2)
    running.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"]]))
    running.on("POST", "/close-query", NEVER)
    with engine_on(running) as engine:
        assert run(engine, PUSH, rows=1).rows == [["a"]]


@pytest.mark.parametrize("end", ["cut", "reset"])
def test_a_connection_that_breaks_in_a_row_is_told_and_what_came_is_kept(running, end):
    running.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"], ["b"]]).ended(end))
    with engine_on(running) as engine:
        ran = run(engine, PUSH, may_fail=True)
    assert "broke off in the middle of its answer" in str(ran.error)
    assert end == "reset" or ran.rows == [["a"], ["b"]]
    assert not [r for r in running.requests if r.path == "/close-query"]


@pytest.mark.parametrize("sql", [PUSH, PUSH + " LIMIT 9", "SELECT ID FROM ORDERS"])
def test_an_orderly_end_of_half_an_answer_is_no_end(running, sql):
    body = push_v1("`ID` STRING", [["a"]])
    running.on("POST", "/query-stream", streamed([data.decode() for _, data in body.chunks]))
    with engine_on(running) as engine:
        ran = run(engine, sql, may_fail=True)
    assert "broke off in the middle of its answer" in str(ran.error)
    assert ran.rows == [["a"]]


def test_an_end_without_a_word_is_that_of_others_too(running):
    running.on("POST", "/query-stream", streamed(['[{"header":{"queryId":"x","schema":"`ID` STRING"}}]']))
    with engine_on(running) as engine:
        assert "ksqlDB ended the query" in fails(engine, PUSH, JobFailedError).message
        assert run(engine, PUSH + " LIMIT 1").rows == []


def test_a_pull_query_that_fails_before_its_first_row_is_sent_again_on_a_new_connection(running):
    failed = push_v1("`N` INTEGER", [], end="error", error='Unable to execute pull query "SELECT".')
    running.on("POST", "/query-stream", push_v1("`N` INTEGER", [[1]], end="completed"))
    running.on("POST", "/query-stream", failed, times=1)
    with engine_on(running) as engine:
        assert run(engine, "SELECT N FROM T").rows == [[1]]
    first, second = (r.connection for r in running.requests if r.path == "/query-stream")
    assert first != second


def test_an_error_after_some_rows_is_told_and_what_came_is_kept(running):
    running.on("POST", "/query-stream", push_v1("`ID` STRING", [["a"]], end="error", error="It is full"))
    with engine_on(running) as engine:
        ran = run(engine, PUSH, may_fail=True)
    assert isinstance(ran.error, JobFailedError)
    assert ran.error.message == "It is full."
    assert ran.rows == [["a"]]


def test_a_query_ended_by_another_client_is_told_as_that(tiny):
    tiny.engine.run(
        "CREATE STREAM ORDERS (ID STRING KEY) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);",
        Session({}, {}),
    )

    def close_it():
        (query,) = [query for query in tiny.engine.queries if query.startswith("transient")]
        requests.post(f"{tiny.url}/close-query", json={"queryId": query}, timeout=5)

    with engine_on(tiny) as engine:
        cursor = opened(engine, PUSH)
        pages = iter(cursor)
        next(pages)
        close_it()
        with pytest.raises(JobFailedError, match="ksqlDB ended the query, and not from here"):
            list(pages)
        cursor.close()


def test_silence_is_no_reason_to_give_up(running):
    def after_a_while(channel):
        channel.send(b'[{"header":{"queryId":"transient_1","schema":"`ID` STRING"}},\n')
        channel.wait(3)
        channel.send(b'{"row":{"columns":["late"]}},\n{"finalMessage":"Limit Reached"}]')

    running.on("POST", "/query-stream", Live(after_a_while))
    with engine_on(running, request_timeout=1, operation_timeout=1) as engine:
        assert run(engine, PUSH + " LIMIT 1").rows == [["late"]]


def test_a_push_query_that_is_not_even_begun_is_given_up(running):
    running.on("POST", "/query-stream", NEVER)
    with engine_on(running, operation_timeout=0.3) as engine:
        assert "did not answer within 0.3 s" in str(fails(engine, PUSH, ConnectionFailedError))


@pytest.mark.parametrize("sql", [PUSH, "SELECT * FROM T", "PRINT orders", "LIST TYPES"])
def test_what_gets_no_answer_at_all_can_be_interrupted(running, sql):
    running.on("POST", "/query-stream", NEVER)
    running.on("POST", "/ksql", NEVER, sql="LIST TYPES;")
    with engine_on(running) as engine:
        cursor = opened(engine, sql)
        ended = threading.Event()

        def read():
            try:
                list(cursor)
            except ConnectionFailedError:
                pass
            finally:
                cursor.close()
                ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        running.wait_for(lambda r: r.path in ("/query-stream", "/ksql"))
        cursor.interrupt()
        assert ended.wait(1)
        thread.join()


def test_a_query_that_waits_for_a_starting_server_can_be_interrupted(running):
    starting = generic_error("KSQL is not yet ready to serve requests.", 50302, "503 Service Unavailable")
    running.on("POST", "/query-stream", starting)
    with engine_on(running) as engine:
        cursor = opened(engine, PUSH)
        timer = threading.Timer(0.3, cursor.interrupt)
        timer.start()
        with pytest.raises(ConnectionFailedError, match="ksqlDB is still starting"):
            list(cursor)
        cursor.close()
        timer.join()


def test_an_interruption_set_before_breaks_off_what_comes_after(running):
    interruption = Interruption()
    interruption.set()
    assert interruption.wait(60)
    running.on("POST", "/query-stream", NEVER)
    http = rest.KsqlRest(running.url, settings(running))._nodes[0]
    with pytest.raises(ConnectionFailedError):
        http.stream("/query-stream", {}, "*/*", interruption)
