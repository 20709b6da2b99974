"""The stand-in gives what was recorded, byte for byte, and ends answers in every way."""

import contextlib
import re
import socket
import threading
import time

import pytest
import requests
from ksqldb.answers import java_double, to_json
from ksqldb.recordings import labelled, recorded
from ksqldb.standin import V1, Answer, Live, StandIn, delimited, entity, info, push_v1, statement_error
from waiting import eventually

RESET = pytest.raises(ConnectionResetError)
# One of each: sized answers, refusals, all stream formats, open ones, errors in the stream, PRINT, HTTP/1.0.
REPLAYED = ["01", "04", "17", "30", "33", "35", "36", "40", "42", "43", "54", "59"]


@contextlib.contextmanager
def connected(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        yield sock


def asking(request, keep=True):
    """Return the bytes of a recorded request."""
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    closing = "" if keep else "Connection: close\r\n"
    return f"{request.method} {request.path} HTTP/1.1\r\n{head}{closing}\r\n".encode() + request.body


def expected(answer):
    """Return the bytes of a recorded answer, chunk borders included."""
    head = f"{answer.http} {answer.status}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in answer.headers) + "\r\n"
    chunked = ("transfer-encoding", "chunked") in {(n.lower(), v) for n, v in answer.headers}
    body = b"".join(b"%x\r\n%b\r\n" % (len(d), d) if chunked else d for _, d in answer.chunks)
    last = b"0\r\n\r\n" if answer.end == "last-chunk" and chunked else b""
    return head.encode() + body + last


def received(sock, length):
    data = b""
    while len(data) < length and (more := sock.recv(65536)):
        data += more
    return data


@pytest.mark.parametrize("name", REPLAYED)
@pytest.mark.usefixtures("shared_ksqldb")
def test_a_replayed_recording_is_the_same_byte_for_byte(standin, name):
    standin.replay(name)
    told = 0
    for one in recorded(name):
        if one.answer.status and "length" not in one.request.path:
            wanted = expected(one.answer)
            with connected(standin) as sock:
                sock.sendall(asking(one.request))
                assert received(sock, len(wanted)) == wanted, one.label
            told += 1
    assert told
    assert not standin.unmatched


def test_every_recording_can_be_read(shared_ksqldb):
    names = sorted(path.stem for path in (shared_ksqldb / "wire").glob("*.json"))
    assert len(names) > 40
    told = {name: recorded(name) for name in names if name != "46_websocket"}
    assert all(told.values())
    ends = {one.answer.end for exchanges in told.values() for one in exchanges}
    assert ends == {"last-chunk", "length", "open", "cut"}


@pytest.mark.usefixtures("shared_ksqldb")
def test_what_was_asked_twice_is_answered_in_turn_and_then_as_the_last_time(standin):
    standin.replay("31")
    lists = [one.answer.body for one in recorded("31") if one.label.startswith("LIST QUERIES")]
    asked = {"json": {"ksql": "LIST QUERIES;"}, "headers": {"Accept": "application/json"}}
    answered = [
        requests.post(standin.url + "/ksql", timeout=5, **asked).content for _ in range(len(lists) + 1)
    ]
    assert answered == [*lists, lists[-1]]
    assert len(set(answered)) > 1


@pytest.mark.usefixtures("shared_ksqldb")
def test_by_sql_a_request_may_hold_more_than_the_recorded_one(standin):
    standin.replay("36", by_sql=True)
    wanted = labelled("36", "LIMIT 1")
    answer = requests.post(
        standin.url + "/query-stream",
        json={"sql": "SELECT *\n FROM ITEM_COUNT LIMIT 1;", "sessionVariables": {}},
        headers={"Accept": V1},
        timeout=5,
    )
    assert answer.content == wanted.answer.body


@pytest.mark.usefixtures("shared_ksqldb")
def test_chunks_can_be_cut_anywhere(standin):
    whole = labelled("36", "pull on stream json").answer
    cut = whole.rechunked(3)
    assert cut.body == whole.body
    assert {len(data) for _, data in cut.chunks[:-1]} == {3}
    standin.on("GET", "/", cut)
    with connected(standin) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert received(sock, len(expected(cut))) == expected(cut)


def test_pauses_are_kept(standin):
    standin.on("GET", "/", Answer(chunks=((0.0, b"a"), (0.2, b"b")), headers=(("content-length", "2"),)))
    begun = time.monotonic()
    assert requests.get(standin.url + "/", timeout=5).content == b"ab"
    assert time.monotonic() - begun >= 0.2


def test_a_connection_is_kept_for_the_next_request(standin):
    standin.on("GET", "/info", info("7.9.1"))
    with requests.Session() as session:
        versions = [session.get(standin.url + "/info", timeout=5).json() for _ in range(3)]
    assert versions[0]["KsqlServerInfo"]["version"] == "7.9.1"
    assert {request.connection for request in standin.requests} == {1}
    standin.wait_until_idle()


def test_an_open_answer_ends_when_the_client_closes(standin):
    standin.on("POST", "/query-stream", push_v1("`A` INTEGER", [[1]]))
    answer = requests.post(standin.url + "/query-stream", json={"sql": "x"}, stream=True, timeout=5)
    lines = answer.iter_lines()  # a generator that is dropped closes the connection
    assert next(lines).startswith(b'[{"header"')
    request = standin.wait_for(lambda one: one.sql == "x")
    assert request.ended is None
    assert standin.open_connections == 1
    answer.close()
    assert standin.closed_by_client(request)
    standin.wait_until_idle()


@pytest.mark.parametrize("end", ["cut", "reset"])
def test_an_answer_breaks_off_in_mid_body(standin, end):
    standin.on("GET", "/", push_v1("`A` INTEGER", [[1]]).ended(end))
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(standin.url + "/", timeout=5)


@pytest.mark.parametrize(("way", "end"), [("stop", contextlib.nullcontext()), ("kill", RESET)])
def test_open_answers_end_with_the_server(way, end):
    server = StandIn()
    server.on("GET", "/", opened := push_v1("`A` INTEGER", [[1]]))
    with connected(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert received(sock, len(expected(opened)))
        getattr(server, way)()
        with end:
            assert sock.recv(1) == b""
    assert server.requests[0].ended == "stopped"
    assert not [thread for thread in threading.enumerate() if thread.name == "standin"]
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.url + "/", timeout=5)


def test_a_server_can_come_back_on_its_port():
    with StandIn() as first:
        port = first.port
        first.kill()
    with StandIn(port=port) as second:
        second.on("GET", "/info", info())
        assert requests.get(second.url + "/info", timeout=5).ok


def test_a_server_ends_while_a_client_reads_nothing():
    begun = time.monotonic()
    with StandIn() as server:
        server.on("GET", "/", push_v1("`A` STRING", [["x" * 1_000_000]] * 50))
        with connected(server) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            server.wait_for(lambda _: True)
            server.stop()
    assert time.monotonic() - begun < 5


def test_a_live_answer_is_woken_from_outside(standin):
    channels = []

    def pump(channel):
        channel.send(b"first\n")
        channels.append(channel)
        channel.wait()
        channel.send(b"second\n")

    standin.on("GET", "/", Live(pump))
    answer = requests.get(standin.url + "/", stream=True, timeout=5)
    lines = answer.iter_lines()
    assert next(lines) == b"first"
    eventually(lambda: channels, 5, "the answer has begun")[0].wake()
    assert list(lines) == [b"second"]


def test_the_latest_rule_wins_as_often_as_it_may(standin):
    standin.on("POST", "/ksql", entity({"@type": "one"}))
    standin.on("POST", "/ksql", statement_error("no", "LIST X;"), sql=re.compile("LIST"), times=1)
    standin.on("POST", "/ksql", entity({"@type": "two"}), sql="SHOW\n  STREAMS;")

    def ask(sql):
        return requests.post(standin.url + "/ksql", json={"ksql": sql}, timeout=5)

    assert ask("SHOW STREAMS;").json() == [{"@type": "two", "warnings": []}]
    assert ask("LIST X;").status_code == 400
    assert ask("LIST X;").json()[0]["@type"] == "one"


@pytest.mark.usefixtures("shared_ksqldb")
def test_what_no_rule_matches_is_404_and_noted(standin):
    answer = requests.get(standin.url + "/nope", timeout=5)
    real = labelled("04", "GET /nope").answer
    assert (answer.status_code, answer.content) == (404, real.body)
    assert [request.path for request in standin.unmatched] == ["/nope"]


def test_bodies_in_chunks_are_read(standin):
    standin.on("POST", "/ksql", entity())
    requests.post(standin.url + "/ksql", data=iter([b'{"ksql":', b' "LIST STREAMS;"}']), timeout=5)
    assert standin.requests[0].sql == "LIST STREAMS;"


def test_it_speaks_tls_with_a_certificate_of_its_own():
    with StandIn(tls=True) as server:
        server.on("GET", "/", push_v1("`A` INTEGER", [[1]]))
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url + "/", timeout=5)
        answer = requests.get(server.url + "/", stream=True, timeout=5, verify=str(server.certificate))
        lines = answer.iter_lines()
        assert next(lines)
        answer.close()
        assert server.closed_by_client(server.wait_for(lambda one: one.path == "/"))


@pytest.mark.parametrize(
    ("label", "given"),
    [
        ("/info no credentials", None),
        ("wrong password", "Basic YTpi"),
        ("malformed", "Basic !!"),
        ("bearer", "Bearer x"),
    ],
)
@pytest.mark.usefixtures("shared_ksqldb")
def test_credentials_are_refused_as_recorded(label, given):
    real = labelled("54", label).answer
    with StandIn(auth=("user", "secret")) as server, connected(server) as sock:
        head = f"Authorization: {given}\r\n" if given else ""
        sock.sendall(f"GET /info HTTP/1.1\r\n{head}\r\n".encode())
        assert received(sock, len(expected(real))) == expected(real)


def test_good_credentials_pass():
    with StandIn(auth=("user", "secret")) as server:
        server.on("GET", "/info", info())
        assert requests.get(server.url + "/info", auth=("user", "secret"), timeout=5).ok


@pytest.mark.usefixtures("shared_ksqldb")
def test_made_up_answers_equal_the_recorded_ones():
    real = labelled("40", "push on table application/vnd.ksql.v1+json").answer
    rows = [["u1", "Ann", 30], ["u2", "Bob", 20], ["u2", None, None], ["u2", "Bob", 21], ["u3", None, 50]]
    query = re.search(rb"transient_\w+", real.body)[0].decode()
    made = push_v1("`ID` STRING, `NAME` STRING, `AGE` INTEGER", rows, tombstones=[2], query_id=query)
    assert expected(made) == expected(real)
    real = labelled("40", "push on table application/vnd.ksqlapi.delimited.v1").answer
    query = re.search(rb"transient_\w+", real.body)[0].decode()
    made = delimited(
        ["ID", "NAME", "AGE"], ["STRING", "STRING", "INTEGER"], rows[:2] + rows[3:], "open", query_id=query
    )
    assert expected(made) == expected(real)
    real = labelled("35", "unknown source").answer
    sql = "SELECT * FROM NOSUCH EMIT CHANGES;"
    made = statement_error("Exception while preparing statement: NOSUCH does not exist.", sql, chunked=True)
    assert expected(made) == expected(real)


def test_numbers_and_signs_are_written_as_java_does():
    assert [java_double(x) for x in (3.0, 1e10, 0.0001, 12345678.5, -0.5)] == [
        "3.0",
        "1.0E10",
        "1.0E-4",
        "1.23456785E7",
        "-0.5",
    ]
    assert to_json({"a": "é 漢 😀\n"}) == '{"a":"é 漢 \\uD83D\\uDE00\\n"}'
