"""``%stream load``: a DataFrame becomes a table, and what is read from it is the same again."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

from streammagic.errors import OptionError
from streammagic.topics import Broker

pytestmark = pytest.mark.flink

FRAME = pd.DataFrame(
    {
        "city": ["Oslo", "it's; {{ kafka }}", None],
        "n": [1, 2, 3],
        "x": [1.5, None, -0.25],
        "at": [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2, 3, 4, 5, 678_000), None],
        "zoned": pd.to_datetime(["2026-01-01", None, "2026-07-01"], utc=True),
        "price": [Decimal("1.50"), None, Decimal("2.25")],
        "day": [dt.date(2026, 1, 1), None, dt.date(1999, 12, 31)],
        "yes": [True, False, None],
    }
)


@pytest.fixture
def shell(shell):
    shell.user_ns["df"] = FRAME
    return shell


@pytest.fixture
def topic(kafka):
    """A topic that is not there afterwards."""
    yield "loaded-rows"
    Broker(kafka, {}).delete(["loaded-rows"])


def same(handle):
    def value(cell):
        return None if pd.isna(cell) else cell

    found = sorted(([value(cell) for cell in row] for row in handle), key=lambda row: row[1])
    expected = [[value(cell) for cell in row] for row in FRAME.itertuples(index=False)]
    assert found == expected
    return True


def test_a_view_has_the_frames_rows_and_may_be_made_again(shell):
    for _ in range(2):
        shell.run_cell("%stream load df --as loaded")
        assert shell.shown[-1] == "loaded: 3 rows of df"
        assert same(shell.flink("SELECT * FROM loaded"))
    shell.user_ns["df"] = FRAME[:1]
    shell.run_cell("%stream load df --as loaded")
    assert len(shell.flink("SELECT * FROM loaded")) == 1


def test_a_result_is_loaded_and_queried_as_a_frame_is(shell):
    shell.flink("SELECT * FROM {{ df }} WHERE n > 1")
    shell.run_cell("%stream load last --as loaded_again")
    assert sorted(row[0] for row in shell.flink("SELECT n FROM loaded_again")) == [2, 3]
    rows = shell.flink("SELECT a.n FROM {{ df }} AS a JOIN {{ last }} b ON a.n = b.n")
    assert sorted(row[0] for row in rows) == [2, 3]


def test_an_empty_frame_keeps_its_columns(shell):
    shell.user_ns["df"] = FRAME[:0]
    shell.run_cell("%stream load df --as nothing")
    assert list(shell.flink("SELECT * FROM nothing").df.columns) == list(FRAME.columns)


def test_what_is_no_frame_is_said(shell):
    for line, message in [
        ("load fd --as t", "There is no variable fd"),
        ("load pytest --as t", "no DataFrame but of type module"),
    ]:
        shell.user_ns["pytest"] = pytest
        with pytest.raises(OptionError, match=message):
            shell.run_cell(f"%stream {line}")


@pytest.mark.kafka
def test_a_topic_has_the_frames_rows(shell, topic):
    del topic
    shell.run_cell("%stream load df --as in_topic --topic loaded-rows --replace")
    columns = ", ".join(f"`{name}`" for name in FRAME.columns)
    assert same(shell.flink(f"SELECT {columns} FROM in_topic", "--limit 3"))
    with pytest.raises(OptionError, match="There is a topic loaded-rows already; nothing was sent"):
        shell.run_cell("%stream load df --as in_topic --topic loaded-rows")
    shell.user_ns["df"] = FRAME[:2]
    shell.run_cell("%stream load df --as in_topic --topic loaded-rows --replace")
    assert len(shell.flink("SELECT n FROM in_topic", "--limit 2 --timeout 20")) == 2
