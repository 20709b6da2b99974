"""Which columns of a result are its upsert key."""

import pytest

from streammagic.engines.ksqldb.keys import UpsertKey
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split


def described(*keys, table=True):
    """An EXPLAIN's description, as far as the key is read from it."""
    topology = (
        "Processor: KTABLE-TOSTREAM-0000000009 (stores: [])" if table else "KSTREAM-PROCESSOR-0000000003"
    )
    return {
        "topology": topology,
        "fields": [{"name": key, "type": "KEY"} for key in keys],
        "windowType": None,
    }


def positions(sql, columns, *keys, table=True, window=""):
    statement = split(sql, KsqlDialect())[0]
    return UpsertKey.of(described(*keys, table=table), statement, window).positions(columns.split())


def test_a_stream_has_none():
    assert positions("SELECT * FROM s EMIT CHANGES", "ID X", "ID", table=False) == (None, "")


@pytest.mark.parametrize(
    ("sql", "columns", "keys", "at"),
    [
        ("SELECT * FROM t EMIT CHANGES", "ID NAME", ["ID"], (0,)),
        ("SELECT name, id FROM t EMIT CHANGES", "NAME ID", ["ID"], (1,)),
        ("SELECT name, t.id AS x FROM t EMIT CHANGES", "NAME X", ["ID"], (1,)),
        ("SELECT id x, name FROM t EMIT CHANGES", "X NAME", ["ID"], (0,)),
        ("SELECT `id`, name FROM t EMIT CHANGES", "id NAME", ["id"], (0,)),
        ("SELECT *, id AS again FROM t EMIT CHANGES", "ID NAME AGAIN", ["ID"], (2,)),
        ("SELECT item, COUNT(*) FROM s GROUP BY item EMIT CHANGES", "ITEM KSQL_COL_0", ["ITEM"], (0,)),
        ("SELECT COUNT(*) n, b, a FROM s GROUP BY a, b EMIT CHANGES", "N B A", ["A", "B"], (2, 1)),
        ("SELECT UCASE(item) AS i, COUNT(*) FROM s GROUP BY ucase(item)", "I K", ["KSQL_COL_0"], (0,)),
        ("SELECT a.id, b.x FROM a JOIN b ON a.id = b.id EMIT CHANGES", "A_ID X", ["A_ID"], (0,)),
    ],
)
def test_it_is_found_by_what_is_selected(sql, columns, keys, at):
    assert positions(sql, columns, *keys) == (at, "")


@pytest.mark.parametrize(
    ("sql", "columns", "keys", "missing"),
    [
        ("SELECT name FROM t EMIT CHANGES", "NAME", ["ID"], "ID"),
        ("SELECT name AS id FROM t EMIT CHANGES", "ID", ["ID"], "ID"),
        ("SELECT UCASE(id) AS id FROM t EMIT CHANGES", "ID", ["ID"], "ID"),
        ("SELECT COUNT(*) FROM s GROUP BY UCASE(item)", "KSQL_COL_0", ["KSQL_COL_0"], "UCASE ( ITEM )"),
        ("SELECT a, COUNT(*) FROM s GROUP BY (a, b) EMIT CHANGES", "A N", ["A", "B"], "B"),
    ],
)
def test_a_column_that_only_bears_its_name_is_not_it(sql, columns, keys, missing):
    assert positions(sql, columns, *keys) == (
        None,
        f"the key ({missing}) is not selected, so updates stand as rows of their own",
    )


@pytest.mark.parametrize(
    ("columns", "window", "at"),
    [
        ("ITEM WINDOWSTART N", "TUMBLING", (0, 1)),
        ("ITEM WINDOWSTART WINDOWEND", "SESSION", (0, 1, 2)),
        ("ITEM N", "TUMBLING", None),
        ("ITEM WINDOWSTART N", "SESSION", None),
    ],
)
def test_a_window_is_part_of_it_by_one_bound_and_a_session_by_both(columns, window, at):
    sql = f"SELECT {', '.join(columns.split())} FROM s GROUP BY item EMIT CHANGES"
    found, inexact = positions(sql, columns, "ITEM", window=window)
    assert found == at
    assert ("WINDOW" in inexact) is (at is None)


def test_a_bound_is_found_under_another_name():
    sql = "SELECT item, WINDOWSTART AS since, COUNT(*) n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY item"
    assert positions(sql, "ITEM SINCE N", "ITEM", window="TUMBLING") == ((0, 1), "")


def test_a_table_without_a_key_is_inexact():
    assert positions("SELECT * FROM t EMIT CHANGES", "A B")[1].startswith("its key is not known")
