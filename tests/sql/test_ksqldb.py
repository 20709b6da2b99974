"""ksqlDB's SQL: cut where its own lexer would cut it, and read for what the engine must know."""

import json
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streammagic.sql.ksqldb import LEXER, KsqlDialect
from streammagic.sql.naming import literal
from streammagic.sql.naming_ksqldb import RESERVED, identifier, normal_name
from streammagic.sql.statements import Kind, split, tokenize

KSQL = KsqlDialect()
CORPUS = Path(__file__).parents[2].parent / "shared" / "ksqldb" / "sql_corpus.jsonl"


def texts(source):
    return [statement.text for statement in split(source, KSQL)]


def only(source):
    (statement,) = split(source, KSQL)
    return statement


@pytest.fixture(scope="module")
def corpus():
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} is not here")
    rows = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    return [
        [row["sql"] for row in group] for _, group in groupby(rows, lambda row: (row["file"], row["test"]))
    ]


@pytest.mark.parametrize("between", ["\n", " -- it's; a comment\n", "/* it's; */\n--@test: x\n", ";\n\t;\n"])
def test_every_statement_of_ksqldbs_own_tests_is_split_back_equal(corpus, between):
    count = 0
    for statements in corpus:
        wanted = [sql.strip().removesuffix(";").rstrip() for sql in statements]
        source = between.join(f"{sql};" for sql in wanted) + "  -- the end"
        assert texts(source) == wanted
        count += len(wanted)
    assert count == 2566


def test_every_statement_of_ksqldbs_own_tests_is_a_query_exactly_where_it_is_a_select_or_print(corpus):
    kinds = Counter()
    for sql in (sql for statements in corpus for sql in statements):
        kind = only(sql).kind
        assert (kind is Kind.QUERY) == sql.lstrip().upper().startswith(("SELECT", "PRINT")), sql
        kinds[kind] += 1
    assert kinds == {Kind.QUERY: 51, Kind.DEFINITION: 2515}


def test_what_ksqldbs_own_tests_create_has_a_name_and_writes_where_it_has_a_query(corpus):
    for sql in (sql for statements in corpus for sql in statements):
        statement = only(sql)
        if statement.words[:2] in (("CREATE", "STREAM"), ("CREATE", "TABLE")):
            assert KSQL.created_name(statement), sql
        at = KSQL.query_of(statement)
        if at is not None:
            assert statement.text[at : at + 6].upper() == "SELECT"
            assert KSQL.sink_of(statement), sql
            assert KSQL.select_items(statement), sql


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("SELECT * FROM s EMIT CHANGES", Kind.QUERY),
        ("select 1 from s", Kind.QUERY),
        ("PRINT 'topic' FROM BEGINNING", Kind.QUERY),
        ("/* c */ print t LIMIT 3", Kind.QUERY),
        ("LIST STREAMS", Kind.ANSWER),
        ("SHOW QUERIES EXTENDED", Kind.ANSWER),
        ("DESCRIBE s", Kind.ANSWER),
        ("EXPLAIN SELECT * FROM s", Kind.ANSWER),
        ("EXPLAIN CREATE STREAM x AS SELECT * FROM s", Kind.ANSWER),
        ("SET 'auto.offset.reset' = 'earliest'", Kind.SESSION),
        ("UNSET 'auto.offset.reset'", Kind.SESSION),
        ("DEFINE v = 'x'", Kind.SESSION),
        ("UNDEFINE v", Kind.SESSION),
        ("HELP", Kind.CLIENT),
        ("exit", Kind.CLIENT),
        ("SPOOL '/tmp/x'", Kind.CLIENT),
        ("SET CLI WRAP ON", Kind.CLIENT),
        ("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')", Kind.DEFINITION),
        ("CREATE TABLE t AS SELECT a, COUNT(*) FROM s GROUP BY a EMIT CHANGES", Kind.DEFINITION),
        ("INSERT INTO s SELECT * FROM r", Kind.DEFINITION),
        ("INSERT INTO s (a) VALUES (1)", Kind.DEFINITION),
        ("ALTER STREAM s ADD COLUMN b INT", Kind.DEFINITION),
        ("DROP STREAM s DELETE TOPIC", Kind.DEFINITION),
        ("TERMINATE ALL", Kind.DEFINITION),
        ("PAUSE q_1", Kind.DEFINITION),
        ("RESUME q_1", Kind.DEFINITION),
        ("ASSERT TOPIC t", Kind.DEFINITION),
        ("RUN SCRIPT 'x.sql'", Kind.DEFINITION),
        ("`SELECT` 1", Kind.DEFINITION),
        (")", Kind.DEFINITION),
    ],
)
def test_a_statement_is_what_it_does(source, kind):
    assert only(source).kind is kind


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a;b' FROM s",
        "SELECT 'it''s; fine' FROM s",
        "SELECT 'back\\' FROM s",
        "SELECT e'\\' FROM s",
        "SELECT `a;b`, `c``;d` FROM s",
        'SELECT "a;b", "c"";d" FROM s',
        "SELECT a -- ;b's\n FROM s",
        "SELECT a --@x; y\n FROM s",
        "SELECT a /* ;b's */ FROM s",
        "SELECT a /*+ it's; no hint */ FROM s",
        "SELECT a /* /* not nested; */ FROM s",
        "SELECT '${x};' FROM ${s}",
        "SELECT 'http://x;y' FROM s",
        "CREATE STREAM a@b (1st INT) WITH (x='y')",
        "SELECT CASE WHEN a THEN 1 END FROM s",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1 FROM s",
        "SELECT begin, statement, set, begin FROM s",
    ],
)
def test_what_looks_like_an_end_inside_of_something_is_none(text):
    assert texts(f"{text}; SELECT 2 FROM s;") == [text, "SELECT 2 FROM s"]


def test_two_slashes_are_no_comment():
    assert texts("SELECT a // b; SELECT 'x'") == ["SELECT a // b", "SELECT 'x'"]


@pytest.mark.parametrize("quote", ["'", "`", '"', "/*"])
def test_what_stands_in_an_open_quote_belongs_to_it(quote):
    text = f"SELECT {quote}open; SELECT 2"
    assert texts(f"LIST STREAMS; {text}") == ["LIST STREAMS", text]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a@b", ["A@B"]),
        ("1st", ["1ST"]),
        ("1@", ["", "@"]),
        ("1e5", [""]),
        ("1e5x", ["1E5X"]),
        ("1.5E-3", [""]),
        ("12.", [""]),
        ("0x1f", ["0X1F"]),
        ("${ v }", [""]),
        ("a->b", ["A", "", "", "B"]),
    ],
)
def test_names_and_numbers_are_told_apart_as_ksqldb_does(text, words):
    found = [token.word or ("@" if token.text == "@" else "") for token in tokenize(text, LEXER)]
    assert found == words


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["SELECT", "a@b", "1st", "1e5", "'x;y'", "`b;c`", '"q;"', ";", "(", ")", "-- c;\n", "/* c; */", "/*+ d;*/",
             "//", "${v}", "$", "BEGIN", "STATEMENT SET", "END", "'open", "EMIT CHANGES", "LIMIT", "FROM", "WITH", "=",
             "CREATE", "STREAM", "SET", "\n", " ", "AS", "INSERT INTO", ","]
        ),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_everything_can_be_asked_of_any_text(source):
    for s in split(source, KSQL):
        assert source[s.start : s.end] == s.text
        asked = (
            s.title, s.normal, s.limit, KSQL.created_name(s), KSQL.query_of(s), KSQL.emit(s), KSQL.is_push(s),
            KSQL.is_aggregation(s), KSQL.select_items(s), KSQL.group_by(s), KSQL.sink_of(s), KSQL.with_properties(s), KSQL.setting(s),
            KSQL.foreign_hint(s),
        )  # fmt: skip
        assert len(asked) == 14
        assert s.retold(KSQL.with_emit_changes(s)).text.startswith(s.text[:6])


@pytest.mark.parametrize(
    "filler", [" ", "\n", "(", "'", "/*", "''", "$", "${", "*/", "1", "1e", "`", "--\n", "a", "@", "//"]
)
def test_splitting_takes_time_in_proportion_to_the_text(filler):
    assert len(split(filler * 100_000, KSQL)) <= 1


def test_the_case_of_names_counts_only_in_quotes():
    assert only("select a from S").normal == only("SELECT A FROM s -- c").normal
    assert only("SELECT `a` FROM s").normal != only("SELECT `A` FROM s").normal
    assert only("SELECT 'a' FROM s").normal != only("SELECT 'A' FROM s").normal


def test_a_statement_in_other_words_is_cut_as_before():
    statement = only("\nSELECT 'x' FROM s").retold("SELECT /*+ it's */ a@b FROM s")
    assert [token.text for token in statement.tokens] == ["SELECT", "a@b", "FROM", "s"]
    assert statement.tokens[1].start == 1 + statement.text.index("a@b")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("CREATE STREAM s (a INT)", "s"),
        ("create table if not exists T(a INT)", "T"),
        ("CREATE OR REPLACE SOURCE STREAM `my s` WITH (x='y')", "`my s`"),
        ('CREATE STREAM "q" AS SELECT 1 FROM s', '"q"'),
        ("CREATE STREAM 1st@x (a INT)", "1st@x"),
        ("CREATE STREAM ${v} (a INT)", "${v}"),
        ("CREATE STREAM /* c */ s -- d\n (a INT)", "s"),
        ("CREATE SOURCE CONNECTOR c WITH (x='y')", None),
        ("CREATE TYPE t AS STRUCT<a INT>", None),
        ("CREATE STREAM", None),
        ("CREATE STREAM (a INT)", None),
        ("DROP STREAM s", None),
        ("INSERT INTO s SELECT * FROM r", None),
        ("EXPLAIN CREATE STREAM s AS SELECT 1 FROM r", None),
    ],
)
def test_the_name_that_a_create_makes_is_read_as_typed(source, name):
    assert KSQL.created_name(only(source)) == name


@pytest.mark.parametrize(
    ("source", "query"),
    [
        ("CREATE STREAM x AS SELECT * FROM s EMIT CHANGES", "SELECT * FROM s EMIT CHANGES"),
        ("\n\nCREATE TABLE x WITH (A='SELECT') AS /* c */\nselect * FROM s", "select * FROM s"),
        ("INSERT INTO x SELECT * FROM s", "SELECT * FROM s"),
        ("INSERT INTO x WITH (QUERY_ID='q') SELECT * FROM s", "SELECT * FROM s"),
        ("INSERT INTO x VALUES (1)", None),
        ("CREATE STREAM x (`SELECT` INT)", None),
        ("CREATE TYPE x AS STRUCT<a INT>", None),
        ("SELECT * FROM s", None),
        ("EXPLAIN CREATE STREAM x AS SELECT * FROM s", None),
    ],
)
def test_the_query_inside_of_a_statement_is_found(source, query):
    statement = only(source)
    at = KSQL.query_of(statement)
    assert (None if at is None else statement.text[at:]) == query


@pytest.mark.parametrize(
    ("source", "emit", "with_emit"),
    [
        ("SELECT * FROM s", None, "SELECT * FROM s EMIT CHANGES"),
        ("SELECT * FROM s LIMIT 3", None, "SELECT * FROM s EMIT CHANGES LIMIT 3"),
        ("SELECT * FROM s -- c\nLIMIT 3", None, "SELECT * FROM s -- c\nEMIT CHANGES LIMIT 3"),
        ("SELECT * FROM s LIMIT ${n}", None, "SELECT * FROM s EMIT CHANGES LIMIT ${n}"),
        ("SELECT emit changes FROM s", None, "SELECT emit changes FROM s EMIT CHANGES"),
        ("SELECT 'EMIT CHANGES' FROM s", None, "SELECT 'EMIT CHANGES' FROM s EMIT CHANGES"),
        (
            "SELECT * FROM s -- EMIT CHANGES\nWHERE a",
            None,
            "SELECT * FROM s -- EMIT CHANGES\nWHERE a EMIT CHANGES",
        ),
        ("SELECT * FROM s emit changes", "CHANGES", None),
        ("SELECT * FROM s EMIT /* c */ CHANGES LIMIT 3", "CHANGES", None),
        ("SELECT a FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY a EMIT FINAL", "FINAL", None),
        ("SELECT a FROM s GROUP BY emit FINAL", "FINAL", None),
        ("PRINT t FROM BEGINNING", None, "PRINT t FROM BEGINNING"),
    ],
)
def test_emit_is_read_and_added_where_ksqldb_wants_it(source, emit, with_emit):
    statement = only("\n " + source)
    assert KSQL.emit(statement) == emit
    assert KSQL.with_emit_changes(statement) == (with_emit or source)
    again = statement.retold(KSQL.with_emit_changes(statement))
    assert again.limit == statement.limit
    assert KSQL.is_push(again) == (statement.words[0] == "SELECT")


@pytest.mark.parametrize(
    ("source", "push"),
    [
        ("SELECT * FROM s EMIT CHANGES", True),
        ("SELECT * FROM s EMIT CHANGES LIMIT 3", True),
        ("SELECT * FROM s", False),
        ("CREATE STREAM x AS SELECT * FROM s EMIT CHANGES", False),
        ("PRINT t", False),
        ("EXPLAIN SELECT * FROM s EMIT CHANGES", False),
    ],
)
def test_a_push_query_is_a_select_with_emit(source, push):
    assert KSQL.is_push(only(source)) is push


@pytest.mark.parametrize(
    ("source", "aggregates"),
    [
        ("SELECT a, COUNT(*) FROM s GROUP BY a EMIT CHANGES", True),
        ("CREATE TABLE t AS SELECT a, COUNT(*) FROM s group by a", True),
        ("SELECT a FROM s PARTITION BY a EMIT CHANGES", False),
        ("SELECT 'GROUP BY a' FROM s", False),
    ],
)
def test_an_aggregation_is_told_by_its_group_by(source, aggregates):
    assert KSQL.is_aggregation(only(source)) is aggregates


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("CREATE STREAM x AS SELECT * FROM s", "x"),
        ("CREATE OR REPLACE TABLE IF NOT EXISTS `x y` WITH (A='b') AS SELECT * FROM s", "`x y`"),
        ("INSERT INTO x SELECT * FROM s", "x"),
        ("INSERT INTO x (a) VALUES (1)", "x"),
        ("CREATE STREAM x (a INT) WITH (A='b')", None),
        ("INSERT INTO", None),
        ("SELECT * FROM s", None),
    ],
)
def test_the_sink_is_what_a_statement_writes(source, name):
    assert KSQL.sink_of(only(source)) == name


@pytest.mark.parametrize(
    ("source", "properties"),
    [
        (
            "CREATE STREAM s (a DECIMAL(4, 2)) WITH (kafka_topic='it''s, (x)', Partitions=3, 'value_format' = \"JSON\")",
            {"KAFKA_TOPIC": "it's, (x)", "PARTITIONS": "3", "VALUE_FORMAT": "JSON"},
        ),
        ("CREATE TABLE x WITH (WRAP_SINGLE_VALUE=false, N=-1) AS SELECT * FROM s", {"WRAP_SINGLE_VALUE": "false", "N": "-1"}),
        ("CREATE STREAM s WITH (KAFKA_TOPIC='${t}', VALUE_FORMAT=${f});", {"KAFKA_TOPIC": "${t}", "VALUE_FORMAT": "${f}"}),
        ("CREATE STREAM s WITH (A='=')", {"A": "="}),
        ("INSERT INTO x WITH (QUERY_ID='q1') SELECT * FROM s", {"QUERY_ID": "q1"}),
        ("CREATE STREAM x AS SELECT * FROM s", {}),
        ("CREATE STREAM s WITH ()", {}),
        ("CREATE STREAM s WITH (A='b'", {}),
        ("SELECT 1 FROM s", {}),
    ],
)  # fmt: skip
def test_the_properties_of_a_with_are_read_as_text(source, properties):
    assert KSQL.with_properties(only(source)) == properties


@pytest.mark.parametrize(
    ("source", "setting"),
    [
        ("SET 'auto.offset.reset' = 'earliest'", ("auto.offset.reset", "earliest")),
        ("set 'a'='it''s = fine'", ("a", "it's = fine")),
        ("SET auto.offset.reset = earliest", ("auto.offset.reset", "earliest")),
        ("SET 'a' = ''", ("a", "")),
        ("SET ${n} = ${v}", ("${n}", "${v}")),
        ("UNSET 'auto.offset.reset'", ("auto.offset.reset", None)),
        ("DEFINE v = 'x y'", ("v", "x y")),
        ("UNDEFINE v", ("v", None)),
        ("SET", None),
        ("SET 'a'", None),
        ("SET 'a' =", None),
        ("SET = 'a'", None),
        ("UNSET", None),
        ("SELECT a = 'b' FROM s", None),
    ],
)
def test_settings_are_read(source, setting):
    assert KSQL.setting(only(source)) == setting


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("ORDERS", "ORDERS"),
        ("A_1", "A_1"),
        ("_X", "_X"),
        ("orders", "`orders`"),
        ("Orders", "`Orders`"),
        ("1ST", "`1ST`"),
        ("A@B", "`A@B`"),
        ("a`b", "`a``b`"),
        ("SELECT", "`SELECT`"),
        ("SIZE", "`SIZE`"),
        ("ID", "ID"),
        ("ROWTIME", "ROWTIME"),
        ("", "``"),
    ],
)
def test_a_name_is_quoted_only_where_it_would_mean_something_else(name, sql):
    assert identifier(name) == sql


@given(st.text())
def test_a_written_name_means_the_name(name):
    assert normal_name(identifier(name)) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("orders", "ORDERS"),
        ("`orders`", "orders"),
        ('"a""b"', 'a"b'),
        ("`a``b`", "a`b"),
        ("a@b", "A@B"),
        ("`", "`"),
    ],
)
def test_unquoted_names_are_upper_case(typed, name):
    assert normal_name(typed) == name


@given(st.text())
def test_a_written_string_is_one_token_that_means_the_text(text):
    (token,) = tokenize(literal(text), LEXER)
    assert token.text == literal(text)
    assert KSQL.setting(only(f"SET 'k' = {literal(text)}")) == ("k", text)


def test_reserved_words_are_upper_case_words():
    assert all(word == word.upper() and word.isalpha() for word in RESERVED)
    assert "KEY" not in RESERVED
    assert "TOPIC" in RESERVED


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("SELECT * FROM t", [("*", None)]),
        ("SELECT t.id, name AS n, `a b` c FROM t", [("ID", None), ("NAME", "N"), ("a b", "C")]),
        ("SELECT UCASE(id) id, COUNT(*) AS `n` FROM t", [("UCASE ( ID )", "ID"), ("COUNT ( * )", "n")]),
        ("SELECT CASE WHEN x IS NULL THEN 1 ELSE 2 END, m['k'] y, 1 z FROM t",
         [("CASE WHEN X IS NULL THEN 1 ELSE 2 END", None), ("M [ 'k' ]", "Y"), ("1", "Z")]),
        ("SELECT a AND b, f(x, y) FROM t", [("A AND B", None), ("F ( X , Y )", None)]),
        ("SELECT a IS NOT DISTINCT FROM b AS c, d FROM t", [("A IS NOT DISTINCT FROM B", "C"), ("D", None)]),
    ],
)  # fmt: skip
def test_what_a_query_selects_is_told_from_the_names_that_it_is_given(source, items):
    assert [tuple(item) for item in KSQL.select_items(only(source))] == items


@pytest.mark.parametrize(
    ("source", "expressions"),
    [
        ("SELECT a FROM t", []),
        ("SELECT a FROM t GROUP BY a, t.b EMIT CHANGES LIMIT 1", ["A", "B"]),
        ("SELECT a FROM t GROUP BY (a, ucase(b)) HAVING COUNT(*) > 1", ["A", "UCASE ( B )"]),
        ("SELECT a FROM t WINDOW SESSION (1 HOUR) GROUP BY a EMIT FINAL", ["A"]),
    ],
)
def test_what_a_query_groups_by(source, expressions):
    assert KSQL.group_by(only(source)) == expressions
