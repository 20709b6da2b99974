"""Python's values as JSON, and what a person has as messages."""

import datetime as dt
import json
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.errors import OptionError
from streammagic.topics.encode import as_json, as_text
from streammagic.topics.messages import messages

BERLIN = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (float("nan"), "null"),
        (float("-inf"), "null"),
        (pd.NA, "null"),
        (pd.NaT, "null"),
        (np.float64("nan"), "null"),
        (np.datetime64("NaT", "ns"), "null"),
        (Decimal("NaN"), "null"),
        (True, "true"),
        (np.bool_(True), "true"),
        (1, "1"),
        (np.int64(-3), "-3"),
        (2**63, "9223372036854775808"),
        (10**50, "1" + "0" * 50),
        (np.float32(1.5), "1.5"),
        (Decimal("1.10"), "1.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00000000000000000001"), "0.00000000000000000001"),
        ("é", '"é"'),
        (dt.date(2024, 1, 2), '"2024-01-02"'),
        (dt.time(1, 2, 3), '"01:02:03"'),
        (dt.datetime(2024, 1, 2), '"2024-01-02T00:00:00"'),
        (dt.datetime(2024, 1, 2, tzinfo=BERLIN), '"2024-01-01T23:00:00Z"'),
        (pd.Timestamp("2024-01-02 00:00:00.123456789"), '"2024-01-02T00:00:00.123456789"'),
        (pd.Timestamp("2024-01-02", tz="Europe/Berlin"), '"2024-01-01T23:00:00Z"'),
        (np.datetime64("2024-01-02T00:00:00.123456789"), '"2024-01-02T00:00:00.123456789"'),
        (dt.timedelta(seconds=1.5), '"PT1.5S"'),
        (-dt.timedelta(seconds=90), '"-PT90S"'),
        (pd.Timedelta(days=1), '"P1DT0H0M0S"'),
        (b"\x00\xff", '"AP8="'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ({2, 1}, "[1,2]"),
        ((1, [2]), "[1,[2]]"),
        (np.array([1.5, np.nan]), "[1.5,null]"),
        (np.array(["2024-01-01"], "datetime64[ns]"), '["2024-01-01T00:00:00"]'),
        (pd.Series([1, 2]), "[1,2]"),
        ({"a": {"b": [Decimal("1.0"), 2**70]}}, '{"a":{"b":[1.0,1180591620717411303424]}}'),
        ({1: 2, (1, 2): 3, "x": 2**70}, '{"1":2,"[1,2]":3,"x":1180591620717411303424}'),
        ({dt.date(2024, 1, 2): 1}, '{"2024-01-02":1}'),
        ("\ud800", '"?"'),
    ],
)
def test_a_value_is_written_exactly(value, written):
    assert as_json(value).decode() == written


def test_what_has_no_json_is_refused_with_its_type():
    for value in (object(), {"a": [object()]}, {"a": object(), "b": 2**70}):
        with pytest.raises(OptionError, match="of type object can't be written"):
            as_json(value)


def test_what_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(OptionError, match="contains itself"):
        as_json(endless)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_json_has_is_written_as_it_is(value):
    assert json.loads(as_json(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (5, "5"), (1.5, "1.5"), (True, "true"), (dt.date(2024, 1, 2), "2024-01-02")],
)
def test_the_text_of_a_key(value, text):
    assert as_text(value) == text


def made(rows, *key):
    return [(None if k is None else k.decode(), v.decode()) for k, v in messages(rows, key)]


FRAME = pd.DataFrame(
    {
        "id": [1, 2],
        "x": [1.5, np.nan],
        "at": pd.to_datetime(["2024-01-01", None]),
        "i": pd.array([None, 2**62], dtype="Int64"),
        "b": pd.array([True, None], dtype="boolean"),
        "d": [Decimal("1.10"), None],
        "s": ["x", None],
        "c": pd.Categorical(["k", None]),
        "n": [{"l": [1, None]}, [pd.NA]],
    }
)


def test_a_dataframe_is_an_object_a_row():
    assert made(FRAME) == [
        (
            None,
            '{"id":1,"x":1.5,"at":"2024-01-01T00:00:00","i":null,"b":true,"d":1.10,"s":"x","c":"k","n":{"l":[1,null]}}',
        ),
        (
            None,
            '{"id":2,"x":null,"at":null,"i":4611686018427387904,"b":null,"d":null,"s":null,"c":null,"n":[null]}',
        ),
    ]


def test_a_named_index_is_a_field_and_a_numbering_is_not():
    frame = pd.DataFrame({"n": [1]}, index=pd.Index(["a"], name="city"))
    assert made(frame, "city") == [("a", '{"city":"a","n":1}')]
    assert made(pd.DataFrame({"n": [1]}, index=[7])) == [(None, '{"n":1}')]


class Result:
    df = pd.DataFrame({"a": [1]})


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"a": [1]}),
        pl.DataFrame({"a": [1]}),
        pa.table({"a": [1]}),
        Result(),
        [{"a": 1}],
        ({"a": 1},),
        {"a": 1},
        '{"a":1}',
        ['{"a":1}'],
        b'{"a":1}',
        '\n{"a":1}\n   \n',
    ],
)
def test_what_can_be_sent(rows):
    assert made(rows, "a") == [("1", '{"a":1}')]


def test_lines_stay_as_they_are():
    assert made('{"a":  1.50}\nno json\n') == [(None, '{"a":  1.50}'), (None, "no json")]


@pytest.mark.parametrize("rows", [pd.DataFrame(), pd.DataFrame({"a": []}), [], "", "\n \n"])
def test_nothing_is_no_message(rows):
    assert made(rows) == []


@pytest.mark.parametrize("rows", [5, None, [1], [{"a": 1}, "x"], pd.Series([1]), object()])
def test_what_cant_be_sent_is_answered_with_what_can(rows):
    with pytest.raises(OptionError, match="can't be sent") as caught:
        made(rows)
    assert "a DataFrame" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "key", "expected"),
    [
        ({"a": "x"}, ["a"], b"x"),
        ({"a": 5}, ["a"], b"5"),
        ({"a": None}, ["a"], None),
        ({"a": "null"}, ["a"], b"null"),
        ({"a": b"\xff"}, ["a"], b"\xff"),
        ({"a": {"b": 1}}, ["a"], b'{"b":1}'),
        ({"a": 1, "b": None}, ["b", "a"], b'{"b":null,"a":1}'),
    ],
)
def test_a_key_is_made_of_its_columns(row, key, expected):
    assert next(messages([row], key))[0] == expected


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (FRAME, "There is no nope to be the key."),
        ([{"nope": 1}, {"a": 1}], "Row 2: There is no nope to be the key."),
        ('{"nope":1}\n\nx', "Line 3 is no JSON, so it has no field to be the key."),
        ("[1]", "Line 1 is no JSON object, so it has no field to be the key."),
    ],
)
def test_a_key_that_is_not_there_is_said_with_its_place(rows, said):
    with pytest.raises(OptionError) as caught:
        made(rows, "nope")
    assert caught.value.message == said


def test_columns_of_one_name_are_refused():
    with pytest.raises(OptionError, match="several columns named a"):
        made(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_value_that_cant_be_written_is_said_with_its_row():
    with pytest.raises(OptionError, match="Row 2: A value of type object"):
        made([{"a": 1}, {"a": object()}])
