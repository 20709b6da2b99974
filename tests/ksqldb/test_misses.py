"""What was meant by a name that does not exist: of ksqlDB's own names, and of what a server has."""

import json

import pytest
from ksqldb import recordings
from ksqldb.shells import cells_on, is_running, said
from ksqldb.standin import entity, statement_error

from streammagic.engines.ksqldb import errors, misses
from streammagic.errors import SqlError
from streammagic.sql.catalog import Catalog, Column
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split

ORDERS = (
    "CREATE STREAM ORDERS (ID STRING KEY, ITEM STRING, `Qty` INTEGER) "
    "WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1)"
)
CATALOG = Catalog(
    {
        "ORDERS": (Column("ID", "STRING"), Column("ITEM", "STRING"), Column("Qty", "INTEGER")),
        "USERS": (Column("ID", "STRING"), Column("NAME", "STRING")),
        "Low": (Column("X", "STRING"),),
    },
    ("UCASE", "LCASE", "COUNT", "COUNT_DISTINCT"),
)


def statement(sql):
    return split(sql, KsqlDialect())[0]


def refused(message, sql, code=40001):
    body = json.dumps({"@type": "statement_error", "error_code": code, "message": message}).encode()
    return errors.from_answer(code // 100, body, statement(sql))


def hint(message, sql, catalog=CATALOG, **names):
    error = refused(message, sql)
    unknown = errors.unknown(error)
    return misses.hint(
        unknown,
        error.hint or "",
        statement(sql),
        catalog=lambda: catalog,
        names=lambda what: names[what.lower()],
    )


# ksqlDB's own names


@pytest.mark.parametrize(
    ("message", "sql", "told", "meant"),
    [
        (
            "Unknown format: JSN",
            "CREATE STREAM A (X INT) WITH (FORMAT='JSN')",
            "There is no format JSN.",
            "Did you mean JSON? There are AVRO, DELIMITED, JSON, JSON_SR, KAFKA, NONE, PROTOBUF and PROTOBUF_NOSR.",
        ),
        (
            "Failed to prepare statement: Invalid config variable(s) in the WITH clause: VALUE_FORMATE",
            "CREATE STREAM A (X INT) WITH (value_formate='JSON')",
            "WITH knows no VALUE_FORMATE.",
            "Did you mean VALUE_FORMAT?",
        ),
        (
            "Invalid config variable(s) in the WITH clause: KAFKATOPIC,PARTITION",
            "CREATE STREAM A (X INT) WITH (KAFKATOPIC='a', PARTITION=1)",
            "WITH knows no KAFKATOPIC.",
            "Did you mean KAFKA_TOPIC?",
        ),
        (
            "Unknown property: auto.ofset.reset",
            "SET 'auto.ofset.reset' = 'earliest'",
            "There is no property auto.ofset.reset.",
            "Did you mean auto.offset.reset? LIST PROPERTIES shows the names that this server knows.",
        ),
        (
            "Unknown property: ksql.streams.auto.offset.rest",
            "SET 'ksql.streams.auto.offset.rest' = 'earliest'",
            "There is no property ksql.streams.auto.offset.rest.",
            "Did you mean ksql.streams.auto.offset.reset? LIST PROPERTIES shows the names that this server knows.",
        ),
    ],
)
def test_a_name_of_ksqldbs_own_is_offered(message, sql, told, meant):
    error = refused(message, sql)
    assert error.message == told
    assert error.hint == meant
    assert (
        error.statement[error.column - 1 :]
        .strip("'")
        .upper()
        .startswith(told.rstrip(".").split()[-1].upper())
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("STRNG", "STRING"), ("BIGNIT", "BIGINT"), ("LONG", "BIGINT"), ("FLOAT", "DOUBLE"), ("TEXT", "STRING")],
)
def test_a_type_is_offered_by_likeness_or_by_what_others_call_it(typed, meant):
    error = refused(
        f"Failed to prepare statement: Cannot resolve unknown type: {typed}",
        f"CREATE STREAM A (X {typed.lower()}) WITH (FORMAT='JSON')",
    )
    assert error.message == f"There is no type {typed}."
    assert error.hint.startswith(f"Did you mean {meant}? There are ARRAY, BIGINT,")
    assert error.column == 20


def test_what_there_is_is_told_where_nothing_is_near():
    with_ = refused(
        "Invalid config variable(s) in the WITH clause: ZZZ", "CREATE STREAM A (X INT) WITH (ZZZ=1)"
    )
    assert with_.hint.startswith("CREATE STREAM and CREATE TABLE take CLEANUP_POLICY, FORMAT, KAFKA_TOPIC,")
    setting = refused("Unknown property: zzz", "SET 'zzz'='1'")
    assert setting.hint == "LIST PROPERTIES shows the names that this server knows."
    of_type = refused("Cannot resolve unknown type: ZZZ", "CREATE STREAM A (X ZZZ)")
    assert of_type.hint.startswith("There are ARRAY,")


@pytest.mark.parametrize(
    ("message", "sql", "meant"),
    [
        (
            "line 1:1: Syntax Error\nUnknown statement 'SELCT'\nDid you mean 'PRINT'?",
            "SELCT * FROM A",
            "Did you mean SELECT?",
        ),
        ("line 1:1: Syntax Error\nUnknown statement 'RUN'\nDid you mean 'PRINT'?", "RUN X", None),
        (
            "line 1:10: Syntax Error\nExpecting {',', 'FROM'}",
            "SELECT * FRM A",
            "Did you mean FROM? Expected here: a comma or FROM.",
        ),
        (
            "line 1:8: Syntax Error\nSyntax error at or near 'STREM' at line 1:8",
            "CREATE STREM A",
            "Did you mean STREAM?",
        ),
        (
            "line 1:15: Syntax Error",
            "CREATE STREAM TABLE (X INT)",
            "It is a reserved word: as a name it needs back-ticks, `TABLE`.",
        ),
        (
            "line 1:15: Syntax Error",
            "CREATE STREAM é (X INT)",
            "Names without back-ticks hold A to Z, digits, _ and @ only.",
        ),
        (
            "line 1:10: Syntax Error\nExpecting {',', 'FROM'}",
            "SELECT * WHERE A",
            "Expected here: a comma or FROM.",
        ),
    ],
)
def test_a_word_of_the_grammar_is_offered(message, sql, meant):
    assert refused(message, sql).hint == meant


# what a server has


@pytest.mark.parametrize(
    ("message", "sql", "meant"),
    [
        (
            "Exception while preparing statement: ORDRS does not exist.",
            "SELECT * FROM ordrs",
            "Did you mean ORDERS?",
        ),
        (
            "Could not find STREAM/TABLE 'LOW' in the Metastore",
            "DESCRIBE Low",
            "Did you mean `Low`? Names in back-ticks keep their case, others are upper case.",
        ),
        (
            "Could not find STREAM/TABLE 'orders' in the Metastore",
            "DESCRIBE `orders`",
            "Did you mean ORDERS?",
        ),
        (
            "Can't find any functions with the name 'UCSE'",
            "SELECT UCSE(ITEM) FROM ORDERS",
            "Did you mean UCASE?",
        ),
        ("SELECT column 'ITM' cannot be resolved.", "SELECT ITM FROM ORDERS", "Did you mean ITEM?"),
        (
            "WHERE column 'NAM' cannot be resolved.",
            "SELECT * FROM ORDERS O JOIN USERS U",
            "Did you mean NAME?",
        ),
        ("SELECT column 'U.NAM' cannot be resolved.", "SELECT U.NAM FROM USERS U", "Did you mean U.NAME?"),
        ("SELECT column 'ROWTME' cannot be resolved.", "SELECT ROWTME FROM USERS", "Did you mean ROWTIME?"),
        (
            "SELECT column 'QTY' cannot be resolved.",
            "SELECT qty FROM ORDERS",
            "Did you mean `Qty`? Names in back-ticks keep their case, others are upper case.",
        ),
        (
            "Failed to insert values into 'ORDERS'. Column name `IETM` does not exist.",
            "INSERT INTO ORDERS (IETM) VALUES ('a')",
            "Did you mean ITEM?",
        ),
        (
            "Failed to insert values into 'ORDERS'. Column name `ROWTIM` does not exist.",
            "INSERT INTO ORDERS (ROWTIM) VALUES (1)",
            "ORDERS has ID, ITEM, `Qty`.",
        ),
        ("SELECT column 'ZZZ' cannot be resolved.", "SELECT ZZZ FROM ORDERS", "ORDERS has ID, ITEM, `Qty`."),
        (
            "SELECT column 'ZZZ' cannot be resolved.",
            "SELECT ZZZ FROM ORDERS JOIN USERS",
            "ORDERS has ID, ITEM, `Qty`. USERS has ID, NAME.",
        ),
    ],
)
def test_what_the_server_has_is_offered_as_it_is_to_be_written(message, sql, meant):
    assert hint(message, sql) == meant


def test_many_columns_are_not_all_told():
    wide = Catalog({"WIDE": tuple(Column(f"C{number}", "INT") for number in range(20))})
    told = hint("SELECT column 'ZZZ' cannot be resolved.", "SELECT ZZZ FROM WIDE", wide)
    assert told.endswith("C11 and 8 more.")


def test_nothing_is_offered_that_is_not_like_it():
    assert hint("Source `X9` does not exist.", "SELECT * FROM X9").startswith("LIST STREAMS and LIST TABLES")
    assert (
        hint("Can't find any functions with the name 'X9'", "SELECT X9()") == "LIST FUNCTIONS shows them all."
    )


def test_topics_queries_and_variables_are_offered_too():
    assert hint("Could not find topic 'Orders', …", "PRINT Orders", topics=["orders"]).startswith(
        "Did you mean orders? LIST"
    )
    assert (
        hint("Unknown queryId: CSAS_A_1", "TERMINATE CSAS_A_1", queries=["CSAS_A_11"])
        == "Did you mean CSAS_A_11?"
    )
    assert (
        hint(
            "Source names may only contain alphanumeric values, '_' or '-'. Got: '${TABEL}'",
            "DESCRIBE ${tabel}",
            variables=["table"],
        )
        == "Did you mean table? DEFINE TABEL = '…'; gives it a value."
    )


# in cells


@pytest.fixture
def cells(tiny, tmp_path):
    with cells_on(tiny, tmp_path) as cells:
        cells.ksql(ORDERS)
        yield cells


def test_an_unknown_source_is_shown_with_its_place_and_what_was_meant(cells):
    text = said(cells.fails("SELECT * FROM ordrs EMIT CHANGES", kind=SqlError))
    lines = text.split("\n")
    assert lines[0] == "There is no stream or table ORDRS."
    at = next(number for number, line in enumerate(lines) if "^" in line)
    assert lines[at].index("^") == lines[at - 1].index("ordrs")
    assert "\n\nDid you mean ORDERS?\n" in text
    assert "See https://docs.ksqldb.io/en/latest/" in text


@pytest.mark.parametrize(
    ("sql", "told", "meant"),
    [
        ("SELECT ITM FROM ORDERS EMIT CHANGES", "There is no column ITM.", "Did you mean ITEM?"),
        (
            "SELECT qty FROM ORDERS EMIT CHANGES",
            "There is no column QTY.",
            "Did you mean `Qty`? Names in back-ticks",
        ),
        ("DESCRIBE FUNCTION UCSE", "There is no function UCSE.", "Did you mean UCASE?"),
        ("PRINT Orders", "There is no topic Orders.", "Did you mean orders? LIST TOPICS"),
        (
            "SELECT {{ column | ident }} FROM {{ source | ident }} EMIT CHANGES",
            "There is no column ITM.",
            "Did you mean ITEM?",
        ),
    ],
)
def test_what_the_server_has_is_offered_in_cells(cells, sql, told, meant):
    cells.shell.user_ns |= {"column": "ITM", "source": "ORDERS"}
    error = cells.fails(sql, kind=SqlError)
    assert error.message == told
    assert error.hint.startswith(meant)


def test_nothing_is_asked_after_failures_of_another_kind(cells, tiny):
    before = len(tiny.requests)
    cells.fails("SELECT * FROM ORDERS EMIT CHANGES LIMIT x", kind=SqlError)
    assert not [one.sql for one in tiny.requests[before:] if (one.sql or "").startswith(("LIST", "DESCRIBE"))]


@pytest.mark.parametrize(
    "answer",
    [
        statement_error("no", ""),
        entity({"@type": "source_descriptions"}),
        entity({"@type": "source_descriptions", "sourceDescriptions": [{"strange": 1}]}),
        entity({"@type": "source_descriptions", "sourceDescriptions": None}),
    ],
    ids=["refused", "empty", "strange", "null"],
)
def test_a_failure_to_find_out_does_not_hide_the_first(standin, tmp_path, answer):
    is_running(standin)
    standin.on(
        "POST", "/query-stream", statement_error("Exception while preparing statement: A does not exist.", "")
    )
    standin.on("POST", "/ksql", answer)
    with cells_on(standin, tmp_path) as cells:
        error = cells.fails("SELECT * FROM A EMIT CHANGES", kind=SqlError)
    assert error.message == "There is no stream or table A."
    assert error.hint.startswith("LIST STREAMS and LIST TABLES")


@pytest.mark.usefixtures("shared_ksqldb")
def test_recorded_unknown_names_are_told_from_all_other_refusals():
    kinds = {
        ("17", "unknown source"): ("source", "NOSUCH"),
        ("17", "unknown column"): ("column", "NOCOL"),
        ("09", "unknown column"): ("column", "NOPE"),
        ("17", "unknown function"): ("function", "NOFUNC"),
        ("17", "bad format"): ("format", "NOPE"),
        ("17", "bad WITH"): ("with", "NOPROP"),
        ("18", "SET unknown"): ("setting", "no.such"),
        ("18", "undefined variable"): ("variable", "V"),
        ("20", "TERMINATE NOSUCH"): ("query", "NOSUCH"),
        ("42", "unknown topic"): ("topic", "nosuch"),
    }
    for (name, label), wanted in kinds.items():
        one = recordings.labelled(name, label)
        found = errors.unknown(errors.from_answer(one.answer.code, one.answer.body, None))
        assert found[:2] == wanted, label
    for name, label in (("17", "type error"), ("21", "DROP with dependents"), ("17", "syntax 2")):
        one = recordings.labelled(name, label)
        assert errors.unknown(errors.from_answer(one.answer.code, one.answer.body, None)) is None
