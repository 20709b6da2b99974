from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.engines.flink.types import column
from streammagic.results.changes import Schema
from streammagic.results.order import in_order


def schema(**types):
    return Schema(
        tuple(column(name, {"precision": 9, "scale": 3, **logical}) for name, logical in types.items())
    )


def of(kind):
    return {"type": kind, "length": 2147483647} if kind == "VARCHAR" else {"type": kind}


TWO_INTS = schema(a=of("INTEGER"), b=of("INTEGER"))
ONE_INT = schema(a=of("INTEGER"))


def ordered(kind, values, *terms):
    rows = in_order(schema(a=of(kind)), [[value] for value in values], terms or None)
    return [row[0] for row in rows]


def test_without_order_by_rows_are_ordered_by_their_columns_from_left_to_right():
    rows = [[2, 1], [1, 2], [None, 9], [1, None], [1, 1]]
    assert in_order(TWO_INTS, rows, None) == [[None, 9], [1, None], [1, 1], [1, 2], [2, 1]]


@given(st.permutations([[1, "a"], [1, None], [None, "b"], [2, "a"], [2, "ä"], [2, "A"]]))
def test_the_canonical_order_does_not_depend_on_arrival(rows):
    table = schema(a=of("INTEGER"), b=of("VARCHAR"))
    expected = [[None, "b"], [1, None], [1, "a"], [2, "A"], [2, "a"], [2, "ä"]]
    assert in_order(table, rows, None) == expected


def test_nested_values_have_a_canonical_order():
    array = {"type": "ARRAY", "elementType": {"type": "INTEGER"}}
    rows = [[[2]], [[1, 2]], [None], [[1]]]
    assert in_order(schema(a=array), rows, None)[0] == [None]
    assert in_order(schema(a=array), rows, None) == in_order(schema(a=array), rows[::-1], None)


def test_nested_decimals_have_a_canonical_order():
    array = {"type": "ARRAY", "elementType": {"type": "DECIMAL", "precision": 4, "scale": 1}}
    rows = [[[Decimal("2.5")]], [[Decimal("1.5")]]]
    assert in_order(schema(a=array), rows, None) == rows[::-1]


def test_very_long_results_stay_as_they_came():
    rows = [[n] for n in range(10_001, 0, -1)]
    assert in_order(ONE_INT, rows, None) is rows


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("a", [None, 1, 2]),
        ("a ASC", [None, 1, 2]),
        ("a asc", [None, 1, 2]),
        ("a DESC", [2, 1, None]),
        ("a DESC NULLS FIRST", [None, 2, 1]),
        ("a DESC NULLS LAST", [2, 1, None]),
        ("a NULLS LAST", [1, 2, None]),
        ("a nulls last", [1, 2, None]),
        ("a ASC NULLS FIRST", [None, 1, 2]),
        ("1 DESC", [2, 1, None]),
        ("`a` DESC", [2, 1, None]),
        ("t . a DESC", [2, 1, None]),
        ("`my db` . t . `a` DESC", [2, 1, None]),
    ],
)
def test_a_term_orders_as_sql_says(term, expected):
    assert ordered("INTEGER", [1, None, 2], term) == expected


@pytest.mark.parametrize(
    "term",
    [
        "b",
        "a + 1",
        "1 + t . a",
        "x * a",
        "- a",
        "UPPER ( a )",
        "2",
        "0",
        "`1`",
        "",
        "a b",
        "NULLS LAST",
        "a NULLS",
        "A",
    ],
)
def test_a_term_that_is_no_column_leaves_the_rows_as_they_came(term):
    assert ordered("INTEGER", [2, None, 1], term) == [2, None, 1]


def test_one_unknown_term_leaves_the_rows_as_they_came():
    assert in_order(TWO_INTS, [[2, 1], [1, 2]], ["a", "c + 1"]) == [[2, 1], [1, 2]]


def test_later_terms_order_what_earlier_ones_leave_equal():
    rows = [[1, 1], [2, 1], [1, 2], [2, 2]]
    assert in_order(TWO_INTS, rows, ["a", "b DESC"]) == [[1, 2], [1, 1], [2, 2], [2, 1]]


def test_rows_that_are_equal_by_all_terms_stay_as_they_came():
    rows = [[1, 3], [1, 1], [1, 2]]
    assert in_order(TWO_INTS, rows, ["a"]) == rows
    assert in_order(TWO_INTS, rows, ["a DESC"]) == rows


def test_a_name_in_back_ticks_may_hold_anything():
    table = schema(**{"my ` col": of("INTEGER")})
    assert in_order(table, [[1], [2]], ["`my `` col` DESC"]) == [[2], [1]]


def test_of_a_repeated_name_the_first_column_counts():
    table = Schema((ONE_INT.columns[0], ONE_INT.columns[0]))
    assert in_order(table, [[2, 1], [1, 2]], ["a"]) == [[1, 2], [2, 1]]


@pytest.mark.parametrize("terms", [(), ("a",)])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("DOUBLE", [None, "-Infinity", -1.5, 0, 10.0, "Infinity", "NaN"]),
        ("DECIMAL", [None, Decimal("-1.5"), 0, Decimal("2.25"), 10]),
        ("VARCHAR", [None, "", "10", "9", "Z", "a"]),
        ("BOOLEAN", [None, False, True]),
        (
            "TIMESTAMP_WITH_LOCAL_TIME_ZONE",
            [None, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:01Z"],
        ),
        ("TIMESTAMP_WITHOUT_TIME_ZONE", [None, "2024-01-01T00:00:00", "2024-01-01T00:00:00.5"]),
    ],
)
def test_values_are_ordered_by_what_they_mean(kind, expected, terms):
    assert ordered(kind, expected[::-1], *terms) == expected


def test_the_rows_given_are_not_moved():
    rows = [[2], [1]]
    in_order(ONE_INT, rows, ["a"])
    in_order(ONE_INT, rows, None)
    assert rows == [[2], [1]]
