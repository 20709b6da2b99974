"""Answers made up of what ksqlDB's own REST tests expect, and of types and rows at random, in every format."""

import base64
import datetime as dt
import json
import random
import re
from collections import Counter
from dataclasses import astuple, dataclass
from decimal import Decimal
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ksqldb import recordings

from streammagic.engines.ksqldb.types import parse_schema, parse_type
from streammagic.engines.ksqldb.wire import (
    Failure,
    Final,
    Format,
    Header,
    IncompleteError,
    MalformedError,
    Parser,
    Rows,
)
from streammagic.results.changes import Kind, Schema

V1, DELIMITED, JSON = Format


def dumps(value):
    """Write JSON as the server does: a DECIMAL is a number with all its digits."""
    return orjson.dumps(value, lambda decimal: orjson.Fragment(format(decimal, "f")))


@dataclass(frozen=True)
class Result:
    """What a query gives: ``schema`` is the text of a V1 header, ``columns`` its names and SQL types.

    ``rows`` are pairs of values and whether they are a tombstone, ``final`` is the server's last word: only V1 has
    these two.
    """

    schema: str
    columns: list
    rows: list
    final: str = ""


def framed(form, result, heartbeat=b""):
    """Return a response body; ``heartbeat`` stands between its lines."""
    schema, columns, rows, final = astuple(result)
    if form is V1:
        lines = [dumps({"header": {"queryId": "q_1", "schema": schema}})]
        lines += [
            dumps({"row": {"columns": values, **({"tombstone": True} if dead else {})}})
            for values, dead in rows
        ]
        lines += [dumps({"finalMessage": final})] if final else []
        return b"[" + (b",\n" + heartbeat).join(lines) + b"]"
    names, types = zip(*columns, strict=True)
    lines = [dumps({"queryId": "q_1", "columnNames": names, "columnTypes": types})]
    lines += [dumps(values) for values, dead in rows if not dead]
    if form is DELIMITED:
        return b"".join(line + b"\n" + heartbeat for line in lines)
    return b"[" + b",".join(lines) + b"]"


def parsed(form, body, chance):
    """Parse in pieces with random borders; return the header, pairs of rows and marks, and the other events."""
    count = chance.choice((0, 1, 3, 20))
    borders = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(count))})
    parser = Parser(form)
    events = [event for a, b in pairwise(borders) for event in parser.feed(body[a:b])] + parser.finish()
    assert parser.closed == (form is not DELIMITED and body.rstrip().endswith(b"]"))
    rows = [
        pair
        for event in events
        if isinstance(event, Rows)
        for pair in zip(event.rows, event.tombstones or [False] * len(event.rows), strict=True)
    ]
    header, *rest = (event for event in events if not isinstance(event, Rows))
    assert isinstance(header, Header)
    return header, rows, rest


def shape(header):
    return [(one.name, one.type.sql) for one in header.columns]


# --- the REST tests of ksqlDB ---


def vectors():
    return json.loads((recordings.SHARED / "rest_vectors.json").read_text(encoding="utf-8"))


def answers(case):
    return [response["query"] for response in case.get("responses", ()) if "query" in response]


def test_every_case_with_rows_comes_back_from_every_framing(shared_ksqldb):  # noqa: ARG001
    cases = vectors()
    left = Counter()
    for case in cases:
        if not answers(case):
            left["only entities" if "responses" in case else "no responses"] += 1
            continue
        for query in answers(case):
            header, *elements = query
            schema = header["header"]["schema"]
            columns = [(name, data_type.sql) for name, data_type, _ in parse_schema(schema)]
            rows = [
                (one["row"]["columns"], one["row"].get("tombstone", False))
                for one in elements
                if "row" in one
            ]
            finals = [one["finalMessage"] for one in elements if "finalMessage" in one]
            assert len(rows) + len(finals) == len(elements)  # nothing else is in them
            assert elements[len(rows) :] == [{"finalMessage": final} for final in finals]
            for form in Format:
                for heartbeat in (b"", b"\n", b"\n\n\n"):
                    body = framed(form, Result(schema, columns, rows, "".join(finals)), heartbeat)
                    for seed in range(4):
                        found = parsed(form, body, random.Random(f"{case['name']} {seed}"))
                        assert shape(found[0]) == columns
                        assert found[1] == [row for row in rows if form is V1 or not row[1]], case["name"]
                        assert found[2] == ([Final(final) for final in finals] if form is V1 else [])
            left["framed"] += 1
            left["rows"] += len(rows)
    framed_cases = sum(1 for case in cases if answers(case))
    assert framed_cases + left["only entities"] + left["no responses"] == len(cases)
    assert left["framed"] == sum(len(answers(case)) for case in cases) >= 225
    assert left["rows"] == json.dumps([answers(case) for case in cases]).count('"columns":') >= 438
    assert (framed_cases, left["only entities"]) >= (135, 2)


def test_every_schema_is_understood_and_spelled_back(shared_ksqldb):  # noqa: ARG001
    schemas = {query[0]["header"]["schema"] for case in vectors() for query in answers(case)}
    assert len(schemas) >= 74
    for schema in schemas:
        columns = parse_schema(schema)
        spelled = ", ".join(f"`{name}` {one.sql}{' KEY' if key else ''}" for name, one, key in columns)
        assert spelled == re.sub(r" HEADER\('.*?'\)", "", schema)
        assert not any(one.contains(Kind.OTHER) for _, one, _ in columns)


# --- exact bodies ---

NO_ROWS = {
    "statement error",
    "SELECT on /ksql",
    "csas ok",
    "ddl still executing",
    "set only",
    "close-query unknown",
    "not ready",
    "http2 only",
    "info",
}
OTHER_FORMATS = {"protobuf pull", "print /query-stream"}
FAILS = {"query v1 push error (dangling comma)", "query v1 pull error", "delimited error in stream"}


def test_every_exact_body_is_read(shared_ksqldb):  # noqa: ARG001
    lines = (recordings.SHARED / "wire_examples.jsonl").read_text(encoding="utf-8").splitlines()
    examples = {one["name"]: one for one in map(json.loads, lines)}
    assert len(examples) == len(lines)
    assert examples.keys() >= NO_ROWS | OTHER_FORMATS | FAILS
    read = []
    for name, example in examples.items():
        if name in NO_ROWS:
            continue
        body, accept = example["body"].encode(), example["request"]["accept"]
        if name in OTHER_FORMATS:
            with pytest.raises((MalformedError, IncompleteError)):
                parsed(V1 if body.startswith(b"[") else DELIMITED, body, random.Random(0))
            continue
        form = DELIMITED if accept == "*/*" else Format(accept)
        for seed in range(20):
            header, rows, rest = parsed(form, body, random.Random(seed))
            read.append(name)
            assert header.query_id in example["body"]
            assert [values for values, _ in rows] == by_hand(example["body"])
            assert [dead for _, dead in rows].count(True) == example["body"].count('"tombstone":true')
            if name in FAILS:
                assert [type(one) for one in rest] == [Failure]
                assert (rest[0].code, rest[0].message[:26]) == (50000, "java.lang.RuntimeException")
            else:
                assert all(isinstance(one, Final) for one in rest)
                assert len(rest) == example["body"].count("finalMessage")
    assert len(read) / 20 == len(examples) - len(NO_ROWS) - len(OTHER_FORMATS) >= 12


def by_hand(body):
    """Return the rows of an example: they begin with a number, and none holds a bracket."""
    if '"row"' in body or '"header"' in body:
        return [json.loads(found) for found in re.findall(r'"columns":(\[[^\]]*\])', body)]
    return [json.loads(found) for found in re.findall(r"(?<=[\n,])\[\d[^\]]*\]", body)]


# --- any types and values ---

TEXT = st.characters(exclude_categories=["Cs"])
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="`"), max_size=12)
MOMENTS = st.integers(-62135596800000, 253402300799999)  # the years 1 to 9999, in milliseconds


def same(value):
    """Return what is written alike at the top, in a STRUCT and in Python."""
    return value, value, value


def double(value):
    if value != value:  # noqa: PLR0124 - only NaN is
        return "NaN", "NaN", value
    infinity = {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value)
    return infinity, infinity, value


def octets(value):
    return *[base64.b64encode(value).decode()] * 2, value


def moment(milliseconds):
    meant = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    return meant.replace(tzinfo=None).isoformat(timespec="milliseconds"), milliseconds, meant


def day(meant):
    return meant.isoformat(), (meant - dt.date(1970, 1, 1)).days, meant


def clock(seconds):
    meant = dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    return meant.isoformat("seconds" if meant.second else "minutes"), seconds * 1000, meant


# The values of each type: how they are written at the top and in a STRUCT, and what they mean.
SIMPLE = {
    "BOOLEAN": st.booleans().map(same),
    "INTEGER": st.integers(-(2**31), 2**31 - 1).map(same),
    "BIGINT": st.integers(-(2**63), 2**63 - 1).map(same),
    "DOUBLE": st.floats().map(double),
    "STRING": st.text(TEXT).map(same),
    "BYTES": st.binary(max_size=20).map(octets),
    "TIMESTAMP": MOMENTS.map(moment),
    "DATE": st.dates().map(day),
    "TIME": st.integers(0, 86399).map(clock),
}


def decimals(precision, scale):
    """Return the type and its values: in a STRUCT they have lost the zeros at their end, but for one."""

    def number(unscaled):
        digits = tuple(map(int, str(abs(unscaled))))
        meant = Decimal((unscaled < 0, digits, -scale))
        text = format(meant, "f")
        short = text.rstrip("0") if scale else text
        return meant, Decimal(short + "0" if short.endswith(".") else short), meant

    return f"DECIMAL({precision}, {scale})", st.integers(1 - 10**precision, 10**precision - 1).map(number)


def nullable(values):
    return st.one_of(st.just((None, None, None)), values)


def array(element):
    sql, values = element
    return f"ARRAY<{sql}>", st.lists(nullable(values), max_size=3).map(
        lambda found: tuple([one[way] for one in found] for way in range(3))
    )


def mapping(element):
    sql, values = element
    return f"MAP<STRING, {sql}>", st.dictionaries(
        st.text(TEXT, max_size=5), nullable(values), max_size=3
    ).map(lambda found: tuple({key: one[way] for key, one in found.items()} for way in range(3)))


def struct(fields):
    spelled = ", ".join(f"`{name}` {sql}" for name, (sql, _) in fields.items())
    values = st.fixed_dictionaries({name: nullable(values) for name, (_, values) in fields.items()})
    return f"STRUCT<{spelled}>", values.map(
        lambda found: tuple({name: one[way] for name, one in found.items()} for way in (1, 1, 2))
    )


TYPES = st.recursive(
    st.one_of(
        st.sampled_from(list(SIMPLE.items())),
        st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: decimals(p, s))),
    ),
    lambda inner: st.one_of(
        inner.map(array),
        inner.map(mapping),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(struct),
    ),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_types_and_rows_come_back_from_every_framing(data):
    columns = data.draw(st.lists(st.tuples(NAMES, TYPES), min_size=1, max_size=5))
    rows = data.draw(
        st.lists(
            st.tuples(st.tuples(*(nullable(values) for _, (_, values) in columns)), st.booleans()), max_size=5
        )
    )
    heartbeat = data.draw(st.sampled_from([b"", b"\n", b"\n\n"]))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    types = [(name, sql) for name, (sql, _) in columns]
    schema = ", ".join(f"`{name}` {sql}" for name, sql in types)
    written = [([value[0] for value in row], dead) for row, dead in rows]
    result = Result(schema, types, written, "Limit Reached")
    for form in Format:
        header, found, rest = parsed(form, framed(form, result, heartbeat), chance)
        assert shape(header) == types
        assert rest == ([Final("Limit Reached")] if form is V1 else [])
        expected = [(row, dead) for row, dead in rows if form is V1 or not dead]
        assert [dead for _, dead in found] == [dead for _, dead in expected]
        meant = [tuple(value[2] for value in row) for row, _ in expected]
        # by their looks: digits of a Decimal, the type of a number and NaN count
        assert repr([Schema(header.columns).decode(values) for values, _ in found]) == repr(meant)


@settings(max_examples=300, deadline=None)
@given(TYPES)
def test_any_type_is_spelled_back(drawn):
    assert parse_type(drawn[0]).sql == drawn[0]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.text(TEXT, max_size=8), TYPES, st.booleans()), min_size=1, max_size=5))
def test_names_with_back_ticks_are_understood_unless_they_read_as_columns(columns):
    schema = ", ".join(f"`{name}` {sql}{' KEY' if key else ''}" for name, (sql, _), key in columns)
    found = parse_schema(schema)
    if any("` " in name for name, _, _ in columns):
        return  # may be read as more than one name: only that it is read counts
    assert [(name, one.sql, key) for name, one, key in found] == [
        (name, sql, key) for name, (sql, _), key in columns
    ]
