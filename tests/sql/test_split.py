"""Splitting a cell: where statements begin and end, whatever is in it."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import Kind, split, tokenize

FLINK = FlinkDialect()


def texts(source):
    return [statement.text for statement in split(source, FLINK)]


def only(source):
    (statement,) = split(source, FLINK)
    return statement


PIECES = [
    "SELECT", "a", "`b;c`", "'x;y'", "'it''s'", '"q;"', ";", ";;", "(", ")", ",", ".", "*", "/", "-", "1.5e-3", "\n",
    "\r\n", " ", "\t", "-- c;\n", "// c;\n", "/* c; */", "/*+ OPTIONS('k'='*/;') */", "CASE", "END", "BEGIN", "SET",
    "/***/", "/****/", "/** c; */", "EXECUTE STATEMENT SET BEGIN", "STATEMENT", "E'a\\';b'", "$x$", "ü", "😀", "'open", "/* open", "`open", "--", "//", "e'",
]  # fmt: skip
sources = st.one_of(
    st.text(),
    st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
)
COMMENT = r"--[^\r\n]*|//[^\r\n]*|/\*(?!\+)(?:\*[^/])?.*?\*/"
GAP = re.compile(rf"(?:\s|;|{COMMENT})*", re.DOTALL)


@settings(max_examples=500, deadline=None)
@given(sources)
@example("\x1c\x85\u2028")
@example("SELECT 1; $$ ; $$")
def test_any_text_is_split_into_slices_of_it_with_nothing_but_space_comments_and_semicolons_between(source):
    statements = split(source, FLINK)
    ends = [0, *(offset for s in statements for offset in (s.start, s.end)), len(source)]
    assert ends == sorted(ends)
    for statement in statements:
        assert source[statement.start : statement.end] == statement.text != ""
    gaps = [source[a:b] for a, b in list(pairwise(ends))[::2]]
    assert all(GAP.fullmatch(gap) for gap in gaps)
    assert all(";" in re.sub(COMMENT, "", gap, flags=re.DOTALL) for gap in gaps[1:-1])


@settings(max_examples=300, deadline=None)
@given(sources, st.sampled_from([FLINK, KsqlDialect()]))
@example("SELECT ${a;b}; 1E3x; -- c", KsqlDialect())
def test_statements_and_what_lies_between_them_are_the_input(source, dialect):
    statements = split(source, dialect)
    joined, end = "", 0
    for s in statements:
        assert end <= s.start < s.end
        joined += source[end : s.start] + s.text
        end = s.end
    assert joined + source[end:] == source


@settings(max_examples=300, deadline=None)
@given(sources, st.sampled_from([FLINK, KsqlDialect()]))
def test_a_statement_alone_is_the_same_statement(source, dialect):
    for s in split(source, dialect):
        (again,) = split(s.text, dialect)
        assert (again.text, again.kind, again.normal) == (s.text, s.kind, s.normal)


@settings(max_examples=300, deadline=None)
@given(sources)
def test_every_property_of_a_statement_can_be_asked_of_any_text(source):
    for s in split(source, FLINK):
        asked = s.title, s.normal, s.words, s.limit, s.order, s.writes_values, FLINK.created_name(s)
        assert len(asked[0]) <= 80
        assert s.kind in Kind


@settings(max_examples=300, deadline=None)
@given(sources)
def test_line_and_column_lead_to_the_statement(source):
    lines = source.split("\n")
    for s in split(source, FLINK):
        assert "\n".join([lines[s.line - 1][s.column - 1 :], *lines[s.line :]]).startswith(s.text)


@settings(max_examples=200, deadline=None)
@given(sources)
def test_tokens_are_slices_in_order_without_white_space_around_them(source):
    end = 0
    for token in tokenize(source):
        assert token.start >= end
        assert source[token.start : token.end] == token.text
        assert not token.text[0].isspace()
        assert token.depth >= 0
        end = token.end


@pytest.mark.parametrize(
    "source", ["", " \n\t", ";", ";;;", "-- c", "// c", "/* c */", "/* a */ ; -- b\n;", "/**/"]
)
def test_nothing_is_no_statement(source):
    assert texts(source) == []


@pytest.mark.parametrize(
    "source",
    ["SELECT 1", "SELECT 1;", "\n SELECT 1 ;\n", "SELECT 1; -- done", "/* a */ SELECT 1 // b", ";;SELECT 1"],
)
def test_one_statement_has_neither_semicolon_nor_comments_around_it(source):
    assert texts(source) == ["SELECT 1"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a;b'",
        "SELECT 'it''s; fine'",
        "SELECT '--', '/*', '//', ';'",
        "SELECT `a;b`, `c``;d`",
        'SELECT "a;b"',
        "SELECT E'it\\'s; fine'",
        "SELECT 'back\\'",
        "SELECT '\n;\n'",
        "SELECT 1 -- a;b\n + 2",
        "SELECT 1 // a;b\n + 2",
        "SELECT 1 /* a;b */ + 2",
        "SELECT 1 /* -- */ + 2",
        "SELECT 1 -- /* \n + 2",
        "SELECT 1 -- it's\n + 2",
        "SELECT /*+ OPTIONS('a;b' = 'c') */ 1",
        "SELECT * FROM t /*+ OPTIONS('a'='*/;') */",
        "/*+ LOOKUP('table'='x') */ SELECT 1",
        "SELECT 1 /* nested /* comments are not; */ + 2",
        "SELECT 1 /*** banner; ***/ + 2",
        "SELECT 1 /**/ + 2",
        "SELECT 1 /****/ + 2",
        "SELECT 1 /***/; not over */ + 2",
        "SELECT 1 /** * / ; **/ + 2",
        "SELECT a$b, $c FROM t$snapshots",
        "SELECT 1 $$ + 2",
    ],
)
def test_what_looks_like_an_end_inside_of_something_is_none(text):
    assert texts(f"{text}; SELECT 2") == [text, "SELECT 2"]


def test_dollar_signs_quote_nothing():
    assert texts("SELECT $$; SELECT $$") == ["SELECT $$", "SELECT $$"]


@pytest.mark.parametrize("quote", ["'", "`", '"', "/*", "E'"])
def test_what_stands_in_an_open_quote_belongs_to_it(quote):
    text = f"SELECT {quote}open; SELECT 2"
    assert texts(f"SELECT 1; {text}") == ["SELECT 1", text]


def test_a_slash_is_no_comment():
    assert texts("SELECT a / b; SELECT 2") == ["SELECT a / b", "SELECT 2"]


BLOCK = "BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x = 1 THEN 2 END FROM t; END"


@pytest.mark.parametrize(
    "text",
    [
        f"EXECUTE STATEMENT SET {BLOCK}",
        f"execute statement set\n{BLOCK.lower()}",
        f"EXPLAIN STATEMENT SET {BLOCK}",
        f"EXPLAIN PLAN FOR STATEMENT SET {BLOCK}",
        f"COMPILE PLAN 'file:///p' FOR STATEMENT SET {BLOCK}",
        f"COMPILE PLAN 'file:///p' IF NOT EXISTS FOR STATEMENT SET {BLOCK}",
        f"COMPILE AND EXECUTE PLAN 'file:///p' FOR STATEMENT SET {BLOCK}",
        "EXECUTE STATEMENT /* c; */ SET -- d;\n BEGIN INSERT INTO a SELECT ';'; END",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN b THEN CASE WHEN c THEN 1 END END; END",
    ],
)
def test_a_statement_set_is_one_statement(text):
    assert texts(f"{text}; SELECT 2") == [text, "SELECT 2"]


def test_an_open_statement_set_goes_on_to_the_end():
    text = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; SELECT 2"
    assert texts(text) == [text]


def test_a_statement_set_sent_in_parts_is_several_statements():
    source = "BEGIN STATEMENT SET; INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END;"
    assert texts(source) == ["BEGIN STATEMENT SET", "INSERT INTO a SELECT 1", "INSERT INTO b SELECT 2", "END"]


def test_a_block_of_an_earlier_statement_is_over():
    assert texts(f"EXECUTE STATEMENT SET {BLOCK}; BEGIN; SELECT 1") == [
        f"EXECUTE STATEMENT SET {BLOCK}",
        "BEGIN",
        "SELECT 1",
    ]


def test_a_setting_is_no_statement_set():
    assert texts("SET 'a' = 'b'; BEGIN; SELECT 1") == ["SET 'a' = 'b'", "BEGIN", "SELECT 1"]


def test_line_and_column_are_counted_from_one():
    source = "\n  SELECT 1; /* x\n */ SELECT\n2;\nSELECT 3"
    assert [(s.line, s.column) for s in split(source, FLINK)] == [(2, 3), (3, 5), (5, 1)]


def test_words_are_the_leading_ones_in_upper_case():
    assert only("create /* c */ Table t (a INT)").words == ("CREATE", "TABLE", "T")
    assert only("'a' b").words == ()


def test_words_look_into_parentheses_that_open_a_statement():
    assert only("((SELECT 1)) UNION ALL SELECT 2").words == ("SELECT",)


def test_depth_is_how_many_parentheses_are_open():
    assert [(t.text, t.depth) for t in tokenize("a ( b ( c ) ) d )")] == [
        ("a", 0), ("(", 0), ("b", 1), ("(", 1), ("c", 2), (")", 1), (")", 0), ("d", 0), (")", 0),
    ]  # fmt: skip


def test_a_parenthesis_left_open_counts_for_its_statement_only():
    statements = split("SELECT (1; SELECT a FROM t LIMIT 3", FLINK)
    assert statements[1].limit == 3


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("SELECT a FROM t", "SELECT a FROM t"),
        ("INSERT  INTO\n t (a) VALUES (1)", "INSERT INTO t"),
        ("INSERT INTO t SELECT 1", "INSERT INTO t"),
        ("CREATE TABLE t (a INT)", "CREATE TABLE t"),
        ("CREATE TABLE t AS SELECT 1", "CREATE TABLE t"),
        ("CREATE TABLE t WITH ('a' = 'b')", "CREATE TABLE t"),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; END", "EXECUTE STATEMENT SET"),
        ("SHOW TABLES", "SHOW TABLES"),
        ("(SELECT 1)", "(SELECT 1)"),
    ],
)
def test_a_title_is_what_stands_before_parentheses_queries_and_rows(source, title):
    assert only(source).title == title


def test_a_title_is_short():
    assert len(only("SELECT " + "a, " * 100 + "b").title) == 80


@pytest.mark.parametrize(
    "other",
    [
        "select  a ,b from t",
        "SELECT a,b FROM t",
        "SELECT a /* c */, b\nFROM t -- d",
        "SELECT a, b // e\nFROM t",
    ],
)
def test_normal_evens_out_space_comments_and_the_case_of_words(other):
    assert only(other).normal == only("SELECT a, b FROM t").normal


@pytest.mark.parametrize(
    "other",
    ["SELECT a, c FROM t", "SELECT 'a', b FROM t", "SELECT `a`, b FROM t", "SELECT a, b FROM t /*+ H(x) */"],
)
def test_normal_tells_apart_what_differs(other):
    assert only(other).normal != only("SELECT a, b FROM t").normal


def test_normal_keeps_the_case_of_strings():
    assert only("SELECT 'A'").normal != only("SELECT 'a'").normal


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("SELECT * FROM t LIMIT 10", 10),
        ("SELECT * FROM t limit 0", 0),
        ("SELECT * FROM t ORDER BY a LIMIT 3 OFFSET 2", 3),
        ("SELECT 1 UNION ALL SELECT 2 LIMIT 5", 5),
        ("WITH x AS (SELECT 1 LIMIT 2) SELECT * FROM x LIMIT 7", 7),
        ("SELECT * FROM t", None),
        ("SELECT * FROM (SELECT * FROM t LIMIT 10)", None),
        ("(SELECT * FROM t LIMIT 10)", None),
        ("SELECT * FROM t LIMIT ALL", None),
        ("SELECT * FROM t LIMIT", None),
        ("SELECT * FROM t LIMIT 1.5", None),
        ("SELECT 'LIMIT 3', `LIMIT` FROM t", None),
        ("SELECT 1 -- LIMIT 3", None),
        ("INSERT INTO t SELECT * FROM s LIMIT 3", None),
    ],
)
def test_limit_is_that_of_the_whole_query(source, limit):
    assert only(source).limit == limit


@pytest.mark.parametrize(
    ("source", "order"),
    [
        ("SELECT * FROM t ORDER BY a", ("a",)),
        (
            "SELECT * FROM t order by a desc, t.`b` ASC NULLS LAST, 3 LIMIT 5",
            ("a desc", "t . `b` ASC NULLS LAST", "3"),
        ),
        ("SELECT * FROM t ORDER BY f(a, b), c OFFSET 2 ROWS", ("f ( a , b )", "c")),
        ("SELECT * FROM t ORDER BY a FETCH FIRST 3 ROWS ONLY", ("a",)),
        ("SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t", None),
        ("SELECT * FROM (SELECT * FROM t ORDER BY a LIMIT 3)", None),
        ("SELECT * FROM t", None),
        ("INSERT INTO t SELECT * FROM s ORDER BY a", None),
        ("SELECT * FROM t ORDER BY", ("",)),
    ],
)
def test_order_is_that_of_the_whole_query(source, order):
    assert only(source).order == order


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("INSERT INTO t VALUES (1), (2)", True),
        ("insert into t (a, b) values (1, 'x')", True),
        ("INSERT INTO t PARTITION (d='1') VALUES (1)", True),
        ("INSERT INTO t /*+ OPTIONS('a'='b') */ VALUES (1)", True),
        ("INSERT INTO t SELECT * FROM (VALUES (1))", False),
        ("INSERT INTO t SELECT 1", False),
        ("VALUES (1)", False),
        ("INSERT INTO t SELECT `VALUES`, 'VALUES' FROM s", False),
    ],
)
def test_an_insert_of_literal_rows_ends_by_itself(source, values):
    assert only(source).writes_values is values


def test_a_long_script_is_split_whole():
    source = "".join(
        f"INSERT INTO t{i} SELECT a, 'x;{i}' FROM s WHERE b > {i}.5; -- c;\n" for i in range(10_000)
    )
    statements = split(source, FLINK)
    assert len(statements) == 10_000
    assert (statements[-1].line, statements[-1].column) == (10_000, 1)


@pytest.mark.parametrize(
    "filler", [" ", "\n", "(", "'", "/*", "''", "$", "*/", "/*+", "e'\\", "`", "--\n", "a"]
)
def test_splitting_takes_time_in_proportion_to_the_text(filler):
    source = filler * 100_000
    assert len(split(source, FLINK)) <= 1


def test_normal_keeps_the_case_of_names():
    assert only("SELECT amount FROM t").normal != only("SELECT Amount FROM t").normal
