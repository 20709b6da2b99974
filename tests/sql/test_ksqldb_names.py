"""The names that ksqlDB itself gives to things, against what its own tests and a recorded server use."""

import json
from collections import Counter
from pathlib import Path

import pytest

from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.ksqldb_names import (
    FORMATS,
    SETTINGS,
    UNQUOTED,
    WITH_OF_CREATE,
    WITH_OF_CREATE_AS,
    WITH_OF_INSERT,
    setting_names,
    with_properties,
)
from streammagic.sql.statements import split

SHARED = Path(__file__).parents[2].parent / "shared" / "ksqldb"
WITH = {one.name: one.values for one in WITH_OF_CREATE}


def assignments(tokens):
    """Yield (name, value) of the first WITH (…) among tokens."""
    at = next(
        (i for i, token in enumerate(tokens) if token.word == "WITH" and tokens[i + 1].text == "("), None
    )
    for i in range(0 if at is None else at + 2, len(tokens)):
        if at is None or tokens[i].text == ")":
            return
        if tokens[i].text == "=":
            yield tokens[i - 1].text.strip("`'").upper(), tokens[i + 1].text


@pytest.fixture(scope="module")
def used():
    """What the statements of ksqlDB's own tests that are right have in WITH: (name, value) and how often."""
    corpus = SHARED / "sql_corpus.jsonl"
    if not corpus.exists():
        pytest.skip(f"{corpus} is not here")
    found = Counter()
    for row in map(json.loads, corpus.read_text(encoding="utf-8").splitlines()):
        if not (row["expect_error"] and row["last"]):
            found.update(assignments(split(row["sql"], KsqlDialect())[0].tokens))
    return found


def test_every_property_that_is_used_is_known_with_its_values(used):
    assert {name for name, _ in used} <= WITH.keys()
    assert len({name for name, _ in used}) >= 13
    for name, value in used:
        text = value.strip("'").upper()
        if WITH[name] and text != "{FORMAT}":
            assert text in [one.upper() for one in WITH[name]], name


def test_values_are_quoted_exactly_where_they_are_strings(used):
    for name, value in used:
        assert value.startswith("'") is (name not in UNQUOTED), (name, value)


def test_a_create_over_a_topic_takes_more_than_one_over_a_query():
    more = {one.name for one in WITH_OF_CREATE} - {one.name for one in WITH_OF_CREATE_AS}
    assert more == {"SOURCED_BY_CONNECTOR", "WINDOW_SIZE", "WINDOW_TYPE"}
    assert with_properties(of_query=False) is WITH_OF_CREATE
    assert with_properties(of_query=True) is WITH_OF_CREATE_AS
    assert with_properties(of_query=True, inserts=True) is WITH_OF_INSERT
    assert {"JSON", "AVRO"} <= set(FORMATS) == set(WITH["VALUE_FORMAT"])


def test_what_a_recorded_server_lets_a_query_set_is_known():
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not here")
    exchanges = json.loads((SHARED / "wire" / "14_list.json").read_text(encoding="utf-8"))["exchanges"]
    bodies = ("".join(chunk["data"] for chunk in one["response"]["chunks"]) for one in exchanges)
    (listed,) = json.loads(next(body for body in bodies if '"@type":"properties"' in body))
    editable = {one["name"] for one in listed["properties"] if one["editable"]}
    assert len(editable) == 8
    assert editable <= set(setting_names())


def test_kafkas_properties_are_known_with_and_without_their_prefix():
    names = setting_names()
    assert {"auto.offset.reset", "ksql.streams.auto.offset.reset"} <= set(names)
    assert "ksql.streams.ksql.query.pull.table.scan.enabled" not in names
    assert len(names) == len(set(names))
    assert [one.name for one in SETTINGS] == sorted(one.name for one in SETTINGS)
