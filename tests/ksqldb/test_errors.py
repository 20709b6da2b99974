"""From what a ksqlDB server refuses to the sentence, the place and the hint."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ksqldb import recordings

from streammagic.engines.ksqldb import errors, wording
from streammagic.engines.ksqldb.errors import from_answer, from_band, from_status
from streammagic.engines.ksqldb.known import KNOWN
from streammagic.errors import ConnectionFailedError, JobFailedError, OperationTimeoutError, SqlError
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split
from streammagic.views.errors import error_text

JAVA = re.compile(r"\b(?:io\.confluent|org\.apache|java\.|com\.fasterxml)")


def statement(sql):
    found = split(sql or "", KsqlDialect())
    return found[0] if len(found) == 1 else None


def body(message, code=40001, **more):
    return json.dumps({"@type": "statement_error", "error_code": code, "message": message, **more}).encode()


def refused(message, sql=None, *, code=40001):
    return from_answer(code // 100, body(message, code), statement(sql))


def recorded_error(name, label):
    one = recordings.labelled(name, label)
    assert one.answer.code >= 400, one.label
    return from_answer(one.answer.code, one.answer.body, statement(one.request.sql))


def all_refusals():
    """Yield (label, status, body, sql) of everything that the recorded server refused."""
    for path in sorted((recordings.SHARED / "wire").glob("*.json")):
        for one in recordings.recorded(path.stem):
            if one.answer.status and one.answer.code >= 400:
                yield f"{path.stem}: {one.label}", one.answer, one.request.sql


def is_recognised(message):
    text = wording.flat(message)
    return "yntax error" in text.replace("E", "e") or any(known.pattern.search(text) for known in KNOWN)


def token_at(error):
    line = error.statement.split("\n")[error.line - 1]
    return re.match(r"\w+|.", line[error.column - 1 :])[0]


def stack(*causes):
    """Write a Java stack; ``causes`` are "class: message", outermost first."""
    lines = "\n\tat io.confluent.ksql.A.b(A.java:1)\n\tat java.base/java.lang.Thread.run(Unknown Source)\n"
    return "\t... 9 more\nCaused by: ".join(f"{cause}{lines}" for cause in causes)


# recordings


@pytest.mark.usefixtures("shared_ksqldb")
def test_every_recorded_refusal_is_one_plain_sentence_and_keeps_the_servers_words():
    count = 0
    for label, answer, sql in all_refusals():
        error = from_answer(answer.code, answer.body, statement(sql))
        count += 1
        assert error.message, label
        assert error.message[-1] in ".!?…", (label, error.message)
        assert "\n" not in error.message, label
        assert len(error.message) <= 300, label
        assert not JAVA.search(f"{error.message} {error.hint}"), (label, error.message)
        assert "{" not in (error.hint or ""), label
        try:
            said = json.loads(answer.body)["message"]
        except ValueError:
            continue
        assert error.cause == said, label
    assert count > 150


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(
    ("name", "label", "token"),
    [
        ("17", "syntax error", "STREM"),
        ("17", "syntax 2", "FRM"),
        ("17", "unknown column", "NOCOL"),
        ("17", "reserved word", "SELECT"),
        ("17", "non-ascii name", "é"),
        ("17", "unterminated string", "'"),
        ("17", "syntax error on line 3", "X"),
        ("05", "all types", "BY"),
        ("09", "all types", "BY"),
        ("35", "unknown column", "NOCOL"),
        ("35", "syntax", "FRM"),
        ("35", "/query syntax", "FRM"),
        ("36", "pull unknown column", "NOCOL"),
        ("18", "undefined variable", "$"),
    ],
)
def test_the_place_told_by_the_server_is_that_of_the_token_meant(name, label, token):
    assert token_at(recorded_error(name, label)) == token


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(
    ("name", "label", "token"),
    [
        ("17", "unknown source", "NOSUCH"),
        ("17", "unknown function", "NOFUNC"),
        ("17", "non-aggregate column", "QTY"),
        ("17", "bad WITH", "NOPROP"),
        ("09", "unknown column", "NOPE"),
        ("09", "unknown stream", "NOSUCH"),
        ("09", "wrong type", "QTY"),
        ("21", "DROP with dependents", "D0"),
        ("42", "unknown topic", "nosuch"),
        ("20", "TERMINATE NOSUCH", "NOSUCH"),
        ("57", "unquoted", "Low"),
        ("06", "table without", "TABLE"),
        ("13", "schema mismatch", "SELECT"),
        ("17", "type error", "QTY"),
        ("17", "CTAS from stream", "SELECT"),
        ("17", "CSAS with group by", "CREATE"),
        ("17", "join key type", "JOIN"),
        ("21", "DROP TABLE of a stream", "TABLE"),
        ("21", "DROP table with dep", "DELETE"),
        ("35", "EMIT FINAL on", "EMIT"),
        ("36", "pull with group by", "GROUP"),
        ("36", "pull type error", "N"),
        ("36", "table scan disabled", "WHERE"),
    ],
)
def test_where_the_server_tells_no_place_the_name_is_looked_for(name, label, token):
    assert token_at(recorded_error(name, label)) == token


RECOGNISED = [
    ("05", "same name again", "There is a stream ORDERS already.", "CREATE OR REPLACE"),
    ("05", "missing topic", "There is no topic missing_topic.", "PARTITIONS = 1"),
    ("05", "AVRO without", "AVRO needs a Schema Registry, and the server has none.", "VALUE_FORMAT"),
    ("05", "all types", "BY is a reserved word.", "`BY`"),
    ("06", "table without", "A table needs a PRIMARY KEY.", "PRIMARY KEY"),
    ("09", "unknown column", "ORDERS has no column NOPE.", "DESCRIBE ORDERS"),
    ("09", "wrong type", "The column QTY is INTEGER, the value is not: STRING(abc).", ""),
    ("09", "unknown stream", "There is no stream or table NOSUCH.", "LIST STREAMS"),
    (
        "13",
        "schema mismatch",
        "The query's columns are not those that it is to be written to.",
        "`QTY` INTEGER",
    ),
    ("14", "LIST CONNECTORS", "ksqlDB can't reach Kafka Connect, which connectors need.", "ksql.connect.url"),
    ("14", "only ;", "There is no statement before the semicolon.", ""),
    ("14", "missing ;", "The semicolon at the end is missing.", ""),
    ("16", "EXPLAIN NOSUCH_1", "There is no query NOSUCH_1.", "LIST QUERIES"),
    ("17", "syntax error", "Syntax error at STREM.", ""),
    ("17", "syntax 2", "Syntax error at FRM.", "a comma or FROM"),
    ("17", "unknown source", "There is no stream or table NOSUCH.", "LIST STREAMS"),
    ("17", "unknown column", "There is no column NOCOL.", "DESCRIBE"),
    ("17", "type error", "INTEGER and STRING don't go into one calculation.", "CAST"),
    ("17", "unknown function", "There is no function NOFUNC.", "LIST FUNCTIONS"),
    ("17", "CTAS from stream", "The SELECT lacks its key: ID.", "Add ID"),
    ("17", "CSAS with group by", "This query gives a TABLE.", "CREATE TABLE … AS SELECT"),
    ("17", "non-aggregate column", "QTY: neither aggregated nor in GROUP BY.", "LATEST_BY_OFFSET(QTY)"),
    (
        "17",
        "join key type",
        "The two sides of the join have keys of different types: INTEGER and STRING.",
        "CAST",
    ),
    ("17", "RUN SCRIPT", "There is no statement that begins with RUN.", ""),
    ("17", "bad format", "There is no format NOPE.", "AVRO, DELIMITED, JSON"),
    ("17", "bad WITH", "WITH knows no NOPROP.", ""),
    ("17", "duplicate column", "The column A is there twice.", ""),
    ("17", "unterminated string", "The quote that opens here is not closed.", ""),
    ("18", "SET unknown", "There is no property no.such.", "LIST PROPERTIES"),
    ("18", "SET bad value", "bogus is no value for auto.offset.reset.", "latest, earliest, none"),
    ("18", "undefined variable", "The variable V is not defined.", "DEFINE V"),
    ("18", "unknown property in", "There is no property no.such.prop.", "LIST PROPERTIES"),
    ("18", "bad property value", "bogus is no value for auto.offset.reset.", "latest, earliest, none"),
    ("20", "TERMINATE NOSUCH", "There is no query NOSUCH.", "LIST QUERIES"),
    ("20", "TERMINATE transient", "There is no query TRANSIENT_NOSUCH_1.", "LIST QUERIES"),
    (
        "21",
        "DROP with dependents",
        "D0 can't be dropped: it is used by INSERTQUERY_57.",
        "TERMINATE INSERTQUERY_57",
    ),
    ("21", "DROP with dependents 2", "D1 can't be dropped: D2 is made from it.", "Drop D2 first."),
    ("21", "DROP TABLE of a stream", "D2 is a stream, not a table.", "DROP STREAM"),
    ("21", "DROP table with dep", "The topic users can't be deleted: USERS_SRC is over it too.", "USERS_SRC"),
    ("22", "ASSERT TOPIC nosuch", "The assertion failed: there is no topic nosuch.", ""),
    ("35", "semantic: aggregate", "ID: neither aggregated nor in GROUP BY.", "GROUP BY"),
    ("35", "EMIT FINAL on", "EMIT FINAL needs a windowed aggregation.", "WINDOW"),
    (
        "36",
        "not queryable",
        "The table USERS can't be read by a pull query.",
        "SELECT * FROM USERS EMIT CHANGES",
    ),
    ("36", "pull with group by", "A pull query can't have GROUP BY.", "GROUP BY ITEM EMIT CHANGES"),
    ("36", "pull type error", "N (BIGINT) can't be compared with 'x' (STRING).", "CAST"),
    ("36", "table scan disabled", "This server wants the table's key in WHERE.", "table.scan.enabled"),
    ("42", "unknown topic", "There is no topic nosuch.", "LIST TOPICS"),
    ("42", "/query unknown topic", "There is no topic nosuch.", "LIST TOPICS"),
    ("47", "2 MB row", "The row is too big for Kafka: 2000100 bytes, of 1048576 at most.", ""),
    ("52", "INSERT while", "Kafka did not answer: the row was not written to orders.", "broker"),
    ("53", "third push", "As many push queries run as the server allows.", "handle.stop()"),
    ("53", "pull on stream at", "As many push queries run as the server allows.", "handle.stop()"),
    ("55", "round 0 #0", "Another client's command came between: this one was not carried out.", "again"),
    ("55", "round 0 #1", "A command of the same name was being carried out: this one was not.", "again"),
    ("55", "round 1 #0", "There is a stream RACE1 already.", "IF NOT EXISTS"),
    ("57", "unquoted", "There is no stream or table LOW.", "Did you mean `Low`?"),
    ("57", "back-tick inside", "ksqlDB can't store this statement: a bug of the server.", "Back-ticks"),
    ("57", "DROP unknown DELETE", "There is no stream or table Low.", "LIST STREAMS"),
    (
        "58",
        "CREATE STREAM T_AFTER",
        "The server is still busy with earlier commands: this one was not carried out.",
        "",
    ),
]


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(("name", "label", "message", "hint"), RECOGNISED)
def test_known_failures_are_told_in_plain_words_with_what_to_do(name, label, message, hint):
    error = recorded_error(name, label)
    assert type(error) is SqlError
    assert error.message == message
    assert hint in (error.hint or "")


@pytest.mark.usefixtures("shared_ksqldb")
def test_of_a_column_that_is_there_twice_the_second_is_shown():
    error = recorded_error("17", "duplicate column")
    assert error.column == error.statement.rindex("A INT") + 1


@pytest.mark.usefixtures("shared_ksqldb")
def test_all_that_a_person_can_have_refused_is_known():
    """What is not is told by its own code, or is of requests that this client does not send."""
    told = Counter()
    for _, answer, sql in all_refusals():
        if answer.body[:1] == b"{" and not is_recognised(json.loads(answer.body)["message"]):
            told[from_answer(answer.code, answer.body, statement(sql)).message] += 1
    assert told == {
        "An earlier statement is still being carried out: this one was not begun.": 1,
        "Bad Request.": 1,
        "Command not found.": 2,
        "No enum constant CommandId.Type.BAD.": 1,
        "This server takes queries over HTTP/2 only.": 1,
        "ksqlDB is still starting.": 9,
        "ksqlDB refused the credentials (HTTP 401).": 9,
    }


@pytest.mark.usefixtures("shared_ksqldb")
def test_the_failures_of_ksqldbs_own_tests_are_known():
    """Of 235 with a message one is not: it says no more than that an exception was met."""
    told = Counter()
    for row in map(
        json.loads, (recordings.SHARED / "sql_corpus.jsonl").read_text(encoding="utf-8").splitlines()
    ):
        message = (row["expect_error"] or {}).get("message")
        if message:
            told[is_recognised(message)] += 1
            error = refused(message, row["sql"])
            assert "  " not in error.message, message
            assert error.message[-1] in ".!?…", message
    assert told == {True: 234, False: 1}


@pytest.mark.usefixtures("shared_ksqldb")
def test_every_expected_error_of_the_rest_cases_keeps_its_message_as_cause():
    count = 0
    for case in json.loads((recordings.SHARED / "rest_vectors.json").read_text(encoding="utf-8")):
        expected = case.get("expectedError")
        if expected is None:
            continue
        count += 1
        error = from_answer(
            expected.get("status", 400), body(expected["message"]), statement(case["statements"][-1])
        )
        assert isinstance(error, SqlError)
        assert error.cause == expected["message"]
        assert error.message[-1] == "."
        assert error.engine == "ksqlDB"
    assert count > 20


@pytest.mark.usefixtures("shared_ksqldb")
def test_of_all_refusals_only_those_of_rivals_may_be_sent_again_blindly():
    rivals = {label for label, answer, _ in all_refusals() if errors.was_not_done(answer.body)}
    assert {label.split(":")[0] for label in rivals} == {"55_create_race", "58_terminate_all_slow"}
    race = [(label, answer) for label, answer, _ in all_refusals() if label.startswith("55_")]
    for label, answer in race:
        assert (label in rivals) is (b"already exists" not in answer.body), label


@pytest.mark.usefixtures("shared_ksqldb")
def test_only_what_passes_by_itself_is_transient():
    found = {
        json.loads(answer.body)["message"][:20]
        for _, answer, _ in all_refusals()
        if errors.is_transient(answer.body)
    }
    assert found == {
        "KSQL is not yet read",
        "Error starting pull ",
        "Host is at rate limi",
    }


# written here


@pytest.mark.parametrize(
    ("status", "content", "kind", "words"),
    [
        (
            404,
            b"<html><body><h1>Resource not found</h1></body></html>",
            ConnectionFailedError,
            "no ksqlDB server",
        ),
        (404, b"", ConnectionFailedError, "no ksqlDB server"),
        (404, b"Not Found", ConnectionFailedError, "no ksqlDB server"),
        (
            404,
            b'{"error_code":404,"message":"HTTP 404 Not Found"}',
            ConnectionFailedError,
            "no ksqlDB server",
        ),
        (404, b'{"errors":["Not found: /v1/info"]}', ConnectionFailedError, "no ksqlDB server"),
        (406, b"", ConnectionFailedError, "HTTP 406"),
        (500, b"", ConnectionFailedError, "HTTP 500"),
        (500, b'{"error_code":', ConnectionFailedError, "HTTP 500"),
        (500, b"[]", ConnectionFailedError, "HTTP 500"),
        (502, b"<html><head><title>502</title></head>Bad Gateway</html>", ConnectionFailedError, "A proxy"),
        (503, b"no healthy upstream", ConnectionFailedError, "A proxy"),
        (504, b"<html>Gateway Time-out</html>", OperationTimeoutError, "gave up waiting"),
        (413, b"", SqlError, "too long"),
        (414, b"", SqlError, "too long"),
        (429, b"slow down", ConnectionFailedError, "no more requests"),
        (401, b"", ConnectionFailedError, "refused the credentials"),
        (401, body("Unauthorized", 40100), ConnectionFailedError, "refused the credentials"),
        (403, b"<html>Forbidden</html>", ConnectionFailedError, "refused the credentials"),
        (403, body("You are forbidden", 40300), ConnectionFailedError, "refused the credentials"),
        (
            403,
            body("Authorization denied to Write on topic(s): [orders]", 40301),
            SqlError,
            "denied to Write",
        ),
        (503, body("Timed out while waiting", 50301), OperationTimeoutError, "was not begun"),
        (
            503,
            body("KSQL is not yet ready to serve requests.", 50302),
            ConnectionFailedError,
            "still starting",
        ),
        (503, body("The server is shutting down", 50303), ConnectionFailedError, "shutting down"),
        (503, body("The server is shut down", 50304), ConnectionFailedError, "shut down"),
        (429, body("DDL/DML rate is crossing the limit", 42900), SqlError, "no more such requests"),
        (400, body("This endpoint is only available when using HTTP2", 40004), SqlError, "HTTP/2 only"),
        (417, body("Topic a exists", 41700), SqlError, "assertion failed: there is a topic a"),
    ],
)
def test_each_kind_of_answer_has_its_error(status, content, kind, words):
    error = from_answer(status, content, statement("LIST STREAMS"))
    assert type(error) is kind
    assert words in error.message


def test_a_page_of_a_proxy_is_shown_without_its_tags():
    page = b"<html><head><style>b {color: red}</style><title>x</title></head><body><h1>Bad  Gateway</h1>nginx</body></html>"
    assert from_answer(502, page, None).cause == "Bad Gateway nginx"


def test_refused_credentials_name_the_settings():
    hint = from_answer(401, b"", None).hint
    assert all(f"STREAMMAGIC_{word}" in hint for word in ("TOKEN", "USER", "PASSWORD"))


def test_a_stack_becomes_its_innermost_telling_cause():
    text = stack(
        "io.confluent.ksql.util.KsqlException: Could not process",
        "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [orders]",
        "java.lang.NullPointerException",
    )
    error = refused(text, code=50000)
    assert error.message == "Not authorized to access topics: [orders]."
    assert error.details == text
    assert "\tat " not in error.cause


def test_a_stack_without_any_message_is_told_by_its_class():
    assert from_status(stack("java.lang.NullPointerException"), None).message == "NullPointerException."


def test_the_failure_of_a_command_is_translated_like_a_refusal():
    text = stack(
        "io.confluent.ksql.util.KsqlStatementException: Cannot add stream 'A': A stream with the same name already exists"
    )
    error = from_status(text, statement("CREATE STREAM A AS SELECT * FROM B"))
    assert type(error) is SqlError
    assert error.message == "There is a stream A already."
    assert token_at(error) == "A"


def test_wrapped_causes_are_read_as_one_line():
    message = "Could not write it.\nCaused by: Invalid value bogus for configuration\n\tx.y: String must\n\tbe one of: a, b"
    error = refused(message)
    assert error.message == "bogus is no value for x.y."
    assert error.hint == "String must be one of: a, b"
    assert error.cause == message
    assert error.details == message.partition("\n")[2]


def test_a_deleted_topic_ends_a_query_as_a_failed_job():
    text = (
        "org.apache.kafka.streams.errors.MissingSourceTopicException: One or more source topics were missing during "
        "rebalance"
    )
    error = from_band(50000, text, statement("SELECT * FROM A EMIT CHANGES"))
    assert type(error) is JobFailedError
    assert error.message == "A topic that the query reads was deleted."
    assert error.cause == text
    assert error.statement == "SELECT * FROM A EMIT CHANGES"


def test_an_error_in_band_may_speak_of_the_statement():
    error = from_band(
        40001, "Line: 1, Col: 8: SELECT column 'X' cannot be resolved.", statement("SELECT X FROM A")
    )
    assert type(error) is SqlError
    assert (error.line, error.column) == (1, 8)


def test_an_unknown_failure_in_band_is_told_in_the_servers_words_without_java_names():
    error = from_band(50000, "java.lang.RuntimeException: boom", None)
    assert type(error) is JobFailedError
    assert error.message == "boom."


def test_a_commit_that_was_not_confirmed_leaves_the_outcome_open():
    text = (
        "Could not write the statement 'DROP STREAM A;' into the command topic.\n"
        "Caused by: Timeout expired after 60000ms while awaiting EndTxn(true)"
    )
    error = refused(text, "DROP STREAM A", code=50000)
    assert type(error) is OperationTimeoutError
    assert "unknown" in error.message
    assert not errors.was_not_done(body(text, 50000))


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (
            (
                "Cannot drop A.\nThe following queries read from this source: [CSAS_B_1, INSERTQUERY_2].\n"
                "The following queries write into this source: [INSERTQUERY_2, Q3].\nYou need to terminate them before dropping A."
            ),
            ["CSAS_B_1", "INSERTQUERY_2", "Q3"],
        ),
        (
            "Cannot drop A.\nThe following streams and/or tables read from this source: [B, C].\nYou need…",
            ["B", "C"],
        ),
        ("Cannot drop A.\nThe following queries read from this source: [].", []),
        ("Stream A does not exist.", []),
    ],
)
def test_dependants_are_each_named_once(message, names):
    assert errors.dependants(message) == names


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Could not find STREAM/TABLE 'A' in the Metastore", "A"),
        ("Exception while preparing statement: A does not exist.", "A"),
        ("Cannot insert values into an unknown stream/table: `my_s`", "my_s"),
        ("Line: 2, Col: 13: Source `A` does not exist.", "A"),
        ("Table A does not exist.", "A"),
        ("Type A does not exist.", None),
        ("Topic a does not exist", None),
        ("Query with id:A does not exist, use SHOW QUERIES to view the full set of queries.", None),
        ("Failed to insert values into 'A'. Column name `B` does not exist.", None),
        ("Topic 'a' does not exist. If you want to create a new topic", None),
        ("Can't find any functions with the name 'A'", None),
        ("Schema for message values on topic 'a' does not exist in the Schema Registry.", None),
    ],
)
def test_the_name_of_an_unknown_source_is_told_and_no_other(message, name):
    assert errors.unknown_source(refused(message)) == name


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            (
                "Cannot upgrade data source: DataSource '`A`' has schema = `X` INTEGER which is not upgradeable to `Y` STRING. "
                "(The following columns are changed, missing or reordered: [`X` INTEGER])"
            ),
            "A can't be replaced in place: changed, missing or reordered are [`X` INTEGER].",
        ),
        (
            "Query is not upgradeable. Plan step of type StreamSink must have matching schema. Values differ: a vs. b",
            "The query can't be replaced in place: its step StreamSink has another schema.",
        ),
        (
            "Upgrades not yet supported for StreamTableJoin",
            "The query can't be replaced in place: ksqlDB can't do that with a StreamTableJoin.",
        ),
    ],
)
def test_a_query_that_can_not_be_replaced_is_told_from_other_refusals(message, told):
    error = refused(message)
    assert errors.refuses_upgrade(error)
    assert error.message == told
    assert not errors.refuses_upgrade(refused("A does not exist."))


def test_emit_changes_is_offered_before_limit():
    message = "The `A` table isn't queryable. See https://cnfl.io/queries for more info."
    assert "SELECT * FROM A EMIT CHANGES LIMIT 3" in refused(message, "SELECT * FROM A LIMIT 3").hint


def test_partitions_that_do_not_match_are_counted():
    message = (
        "Can't join `L` with `R` since the number of partitions don't match. `L` partitions = 1; `R` partitions = 4. "
        "Please repartition either one so that the number of partitions match."
    )
    error = refused(message)
    assert error.message == "L and R can't be joined: their topics have 1 and 4 partitions."
    assert "PARTITIONS = 1" in error.hint


def test_a_column_counts_characters_not_utf_16_units():
    sql = "SELECT '😀' AS A, NOCOL FROM B EMIT CHANGES"
    column = sql.index("NOCOL") + 1
    error = refused(f"Line: 1, Col: {column}: SELECT column 'NOCOL' cannot be resolved.", sql)
    assert token_at(error) == "NOCOL"


def test_a_place_outside_of_the_statement_is_not_believed():
    error = refused("Line: 7, Col: 1: SELECT column 'X' cannot be resolved.", "SELECT X FROM A")
    assert (error.line, error.column) == (1, 8)


def test_the_place_in_the_json_of_the_request_is_no_place_in_the_sql():
    message = 'Invalid JSON in request: Unexpected end\n at [Source: (byte[])"{"; line: 1, column: 9]'
    assert refused(message, "LIST STREAMS", code=40000).line is None


def test_secrets_are_masked_wherever_they_are_told():
    message = (
        "Could not write 'CREATE SOURCE CONNECTOR c WITH ('connection.password' = 'hunter2')'\nCaused by: x y"
    )
    error = refused(message, code=50000)
    assert "hunter2" not in f"{error.message}{error.cause}{error.hint}{error.details}"


def test_a_node_that_starts_is_neither_busy_nor_undone():
    starting = body("KSQL is not yet ready to serve requests.", 50302)
    assert errors.is_starting(starting)
    assert errors.is_transient(starting)
    assert not errors.is_busy(starting)
    assert not errors.was_not_done(starting)
    assert not errors.is_starting(b"no healthy upstream")


@pytest.mark.parametrize("code", [42900, 50301])
def test_a_busy_node_is_told(code):
    assert errors.is_busy(body("x", code))
    assert not errors.is_busy(body("x"))


def test_predicates_take_errors_as_well_as_bodies():
    text = "Could not write it.\nCaused by: Another command with the same id (stream/`A`/create) is being\n\texecuted."
    error = refused(text, code=50000)
    assert errors.is_same_command(error)
    assert errors.is_same_command(body(text, 50000))
    assert not errors.is_fenced(error)
    behind = "Timeout while waiting for command topic consumer to process command\n\ttopic"
    assert errors.is_behind(behind)
    pull = from_band(50000, "a.b.MaterializationException: Unable to execute pull query: a.b.C: no", None)
    assert errors.is_transient(pull)
    assert not errors.is_transient(refused("There is nothing"))


@pytest.mark.parametrize("kind", ["USER", "SYSTEM"])
def test_the_servers_guess_at_a_failure_is_put_into_words(kind):
    assert errors.kind_of_failure(kind).endswith(".")
    assert errors.kind_of_failure("UNKNOWN") == ""


@given(
    st.integers(400, 599),
    st.one_of(
        st.binary(max_size=60),
        st.builds(body, st.text(max_size=120), st.integers(0, 60000)),
        st.sampled_from(
            [
                body(text)
                for text in (
                    "SELECT column '{x}' cannot be resolved.",
                    "line 1:1: Syntax Error\n",
                    "line 0:0: Syntax Error",
                    "line 1:999: Syntax Error",
                    "Caused by: ",
                    "",
                    "\n\tat a.b.C(D.java:1)",
                )
            ]
        ),
    ),
    st.sampled_from([None, "SELECT 1", "SELECT\n\n'x"]),
)
def test_whatever_is_answered_is_told_in_one_sentence(status, content, sql):
    error = from_answer(status, content, statement(sql))
    assert error.message.strip()
    errors.is_transient(content)
    errors.was_not_done(content)
    errors.unknown_source(error)


# all that is known

PAGES = frozenset(
    """
alter-system create-stream create-table create-type describe describe-function drop-stream drop-table
functions insert-into insert-values operators quick-reference scalar-functions aggregate-functions
select-pull-query select-push-query show-queries show-topics show-types terminate type-coercion
concepts/time-and-windows-in-ksqldb-queries developer-guide/joins/join-streams-and-tables
developer-guide/joins/partition-data developer-guide/joins/synthetic-keys
how-to-guides/control-the-case-of-identifiers how-to-guides/substitute-variables
how-to-guides/update-a-running-persistent-query how-to-guides/use-connector-management
operate-and-deploy/high-availability-pull-queries operate-and-deploy/installation/check-ksqldb-server-health
operate-and-deploy/installation/server-config/avro-schema operate-and-deploy/logging
operate-and-deploy/schema-inference-with-id operate-and-deploy/schema-registry-integration
reference/serialization reference/server-configuration reference/sql/data-definition reference/sql/data-types
reference/sql/syntax/lexical-structure
    """.split()  # noqa: SIM905 - a list of words is read as one
)
"""The documentation's own pages of that name (the nav of its mkdocs.yml)."""


def test_links_lead_to_pages_that_there_are():
    pages = {known.page for known in KNOWN} - {""}
    assert pages <= PAGES
    links = {known.link for known in KNOWN} - {None}
    start = "https://docs.ksqldb.io/en/latest/"
    assert f"{start}developer-guide/ksqldb-reference/select-push-query/" in links
    assert f"{start}reference/serialization/" in links
    assert all(link.startswith(start) and link.endswith("/") and "//" not in link[8:] for link in links)


def test_a_link_comes_with_what_is_known_and_with_a_syntax_error():
    assert refused("Source `A` does not exist.").link.endswith("/control-the-case-of-identifiers/")
    assert refused("line 1:1: Syntax Error").link.endswith("/quick-reference/")
    assert refused("No such thing was ever seen.").link is None


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.pattern.pattern[:60])
def test_what_is_known_speaks_of_nothing_but_its_groups_and_the_facts(known):
    facts = dict.fromkeys((*known.pattern.groupindex, "push", "near", "holders", "target"), "X")
    for text in (known.message, known.hint, known.at):
        assert "{" not in text.format(**facts)
    assert known.message[-1] == "."
    assert not known.about or {"name", "other"} & set(known.pattern.groupindex)


CARDS = [
    (
        ("21", "DROP TABLE of a stream"),
        """\
D2 is a stream, not a table.

  1 │ DROP TABLE D2
    │      ^^^^^

ksqlDB said: Incompatible data source type is stream, but statement was DROP table

Write DROP STREAM.

See https://docs.ksqldb.io/en/latest/developer-guide/ksqldb-reference/drop-stream/""",
    ),
    (
        ("17", "syntax 2"),
        """\
Syntax error at FRM.

  1 │ SELECT * FRM ORDERS
    │          ^^^

ksqlDB said: line 1:10: Syntax Error
Expecting {',', 'FROM'}

Did you mean FROM? Expected here: a comma or FROM.

See https://docs.ksqldb.io/en/latest/developer-guide/ksqldb-reference/quick-reference/""",
    ),
    (
        ("17", "join key type"),
        """\
The two sides of the join have keys of different types: INTEGER and STRING.

  1 │ CREATE STREAM A AS SELECT * FROM ORDERS O JOIN USERS U ON O.QTY = U.ID EMIT CHANGES
    │                                           ^^^^

ksqlDB said: Could not determine output schema for query due to error: Invalid join. Key types differ: \
INTEGER vs STRING

CAST one side: CAST(… AS STRING), CAST(… AS BIGINT).

See https://docs.ksqldb.io/en/latest/developer-guide/joins/partition-data/""",
    ),
]


@pytest.mark.usefixtures("shared_ksqldb")
@pytest.mark.parametrize(("recording", "text"), CARDS)
def test_a_card_as_text_tells_what_where_why_and_what_to_do(recording, text):
    assert error_text(recorded_error(*recording)) == text
