"""The corpus of Flink statements is split into what it is made of, and each is known for what it does."""

from itertools import pairwise

import pytest
from flink_corpus import load
from hypothesis import given, settings
from hypothesis import strategies as st

from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import Kind, split

FLINK = FlinkDialect()
CORPUS = load()
SEPARATORS = [
    ";",
    ";\n",
    " ;\r\n\r\n",
    "\n;\n",
    "; -- it's; over\n",
    " // over;\n;\t",
    "/* ; */;/* it's */",
    ";;\n ; ;",
    "\n-- ünï; 😀\n;  ",
]


def only(text):
    (statement,) = split(text, FLINK)
    return statement


def places(texts, separator):
    """Return where each text begins in all of them joined: its line and column, counted by hand."""
    line = column = 1
    found = []
    for text in texts:
        found.append((line, column))
        for character in text + separator:
            line, column = (line + 1, 1) if character == "\n" else (line, column + 1)
    return found


def test_it_holds_each_class_of_statement():
    assert len(CORPUS) >= 300
    assert {entry.kind for entry in CORPUS} == set(Kind)
    assert len({entry.text for entry in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.place)
def test_a_statement_is_whole_and_known(entry):
    statement = only(entry.text)
    assert statement.text == entry.text
    assert statement.kind is entry.kind
    assert FLINK.created_name(statement) == entry.name
    assert statement.limit == entry.limit
    assert statement.order == entry.order


@pytest.mark.parametrize("separator", SEPARATORS)
def test_all_of_it_joined_is_split_into_the_same_statements(separator):
    texts = [entry.text for entry in CORPUS]
    source = separator.join([*texts, ""])
    statements = split(source, FLINK)
    assert [s.text for s in statements] == texts
    assert [s.kind for s in statements] == [entry.kind for entry in CORPUS]
    assert [(s.line, s.column) for s in statements] == places(texts, separator)
    assert all(source[s.start : s.end] == s.text for s in statements)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(CORPUS), min_size=1, max_size=8),
    st.lists(st.sampled_from(SEPARATORS), min_size=8, max_size=8),
    st.sampled_from(["", " ", "\n\n", "-- it's a head;\n", "/* ; */", ";\n"]),
)
def test_any_statements_in_any_order_come_back_with_any_ends_between_them(entries, separators, head):
    source = head + "".join(entry.text + end for entry, end in zip(entries, separators, strict=False))
    statements = split(source, FLINK)
    assert [s.text for s in statements] == [entry.text for entry in entries]
    ends = [0, *(place for s in statements for place in (s.start, s.end)), len(source)]
    pieces = [source[a:b] for a, b in pairwise(ends)]
    assert "".join(pieces) == source
    assert pieces[1::2] == [s.text for s in statements]


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.place)
def test_what_a_statement_is_does_not_depend_on_what_stands_before_it(entry):
    last = split(f"SELECT (1; {entry.text}", FLINK)[-1]
    alone = only(entry.text)
    assert last.text == alone.text
    assert (last.kind, last.limit, last.order, last.normal) == (
        alone.kind,
        alone.limit,
        alone.order,
        alone.normal,
    )
    assert [token.depth for token in last.tokens] == [token.depth for token in alone.tokens]
