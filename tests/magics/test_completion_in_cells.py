"""Completion in a shell: through IPython's completer, as notebooks and terminals ask it."""

import argparse
import threading
import time

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from real_shell import shell_with, streammagic_threads
from waiting import eventually

from streammagic.engines.base import plugins
from streammagic.engines.jobs import Bundle
from streammagic.errors import ConnectionFailedError, SqlError
from streammagic.jobs.ledger import Ledger
from streammagic.magics import extension
from streammagic.magics.background import Background
from streammagic.magics.options import query_parser
from streammagic.magics.typed import typed
from streammagic.magics.words import next_word, sql_start
from streammagic.sql.catalog import Catalog, Column
from streammagic.sql.statements import split

ORDERS = Catalog({"orders": (Column("order_id", "BIGINT"), Column("order_total", "DOUBLE"))})


class Engine:
    """An engine that answers what it is told to, once it may."""

    title = "Stub"

    def __init__(self):
        self.may_answer = threading.Event()
        self.found = ORDERS
        self.proposed = []
        self.asked = []

    def catalog(self):
        self.asked.append("catalog")
        self.may_answer.wait(20)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def complete(self, sql, position):
        self.asked.append((sql, position))
        self.may_answer.wait(20)
        return self.proposed

    def close(self):
        self.may_answer.set()


@pytest.fixture
def shell(tmp_path):
    with shell_with({"STREAMMAGIC_HOME": str(tmp_path / "home")}, tmp_path) as shell:
        shell.extension_manager.load_extension("streammagic")
        yield shell


@pytest.fixture
def loaded(shell):
    return extension._loaded[id(shell)]


@pytest.fixture
def engine(loaded):
    """An open connection to an engine that answers at once."""
    engine = Engine()
    engine.may_answer.set()
    loaded.notebook.connections._engines["flink"] = engine
    return engine


def completions(shell, text):
    """Return all that IPython has to offer at the cursor, ``|``."""
    at = text.rindex("|")
    with provisionalcompleter():
        return list(shell.Completer.completions(text[:at] + text[at + 1 :], at))


def offered(shell, text):
    return [each.text for each in completions(shell, text)]


def wait_for(shell, text, wanted):
    eventually(lambda: offered(shell, text) == wanted, 5, f"{wanted} for {text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%stream st|", ["stop", "status"]),
        ("x = %stream st|", ["stop", "status"]),
        ("%%stream st|\n", ["stop", "status"]),
        ("1 + 1\n%stream sto|", ["stop"]),
        ("%stream local st|", ["start", "stop", "status"]),
        ("%stream local start k|", ["kafka"]),
        ("%stream stop a --no|", ["--no-savepoint"]),
        ("%stream peek t --from |", ["earliest", "latest"]),
        ("%stream jobs --conn f|", ["flink"]),
        ("%stream jobs --conn=f|", ["flink"]),
        ("%stream connect x g|", ["gateway="]),
        ("%stream nothing x|", []),
        ("%flink --vi|", ["--view"]),
        ("%flink --view ch|", ["changes", "chart"]),
        ("%%flink --view ch|\nSELECT 1", ["changes", "chart"]),
        ("%%ksql --conn k|", ["ksql"]),
        ("%flink sel|", ["select"]),
        ("h = %flink --conn flink --bg SEL|", ["SELECT"]),
        ("\n%%flink\nSEL|", ["SELECT"]),
        ("%%ksql\nPRI|", ["PRINT"]),
        ("%%stream deploy x\nSEL|", ["SELECT"]),
        ("%%stream deploy x --engine ksql\nPRI|", ["PRINT"]),
        ("%%stream send t\nSEL|", []),
    ],
)
def test_without_a_connection(shell, text, expected):
    assert offered(shell, text) == expected


def test_nothing_is_started_or_opened_for_a_completion(shell, loaded):
    offered(shell, "%%flink\nSELECT or|")
    assert loaded.notebook.connections.known()["flink"] == "not open"
    assert streammagic_threads() == []


@pytest.mark.usefixtures("engine")
def test_only_ours_is_shown_in_our_magics(shell):
    shell.user_ns["order_of_python"] = 1
    wait_for(shell, "%%flink\nSELECT or|", ["order_id", "order_total"])
    assert {each._origin for each in completions(shell, "%%flink\nSELECT or|")} == {"streammagic"}
    assert offered(shell, "%%flink\nSELECT 'or|") == []
    assert offered(shell, "%%flink\nSELECT 1 -- or|") == []


def test_other_code_is_left_to_others(shell):
    shell.user_ns["order_of_python"] = 1
    assert offered(shell, "order_of|") == ["order_of_python"]
    assert "%%flink" in offered(shell, "%%fli|")
    assert offered(shell, "%stream st|")
    shell.extension_manager.unload_extension("streammagic")
    assert "stop" not in offered(shell, "%stream st|")


@pytest.mark.usefixtures("engine")
def test_the_old_way_of_asking_for_one_line(shell):
    wait_for(shell, "%flink SELECT or|", ["order_id", "order_total"])
    with pytest.warns(PendingDeprecationWarning):
        found = shell.complete("", "%flink SELECT or", 16)
    assert found == ("or", ["order_id", "order_total"])


@pytest.mark.usefixtures("engine")
def test_a_match_replaces_what_stands_before_the_cursor(shell):
    wait_for(shell, "%%flink\nSELECT or|", ["order_id", "order_total"])
    text = "%%flink\nSELECT '日本😀', orders.or|x FROM orders"
    found = completions(shell, text)[0]
    assert (text[found.start : found.end], found.text) == ("or", "order_id")


def test_variables_of_the_person(shell):
    shell.user_ns.update(frame=pd.DataFrame({"a": [1]}), from_day=1, _hidden=1, function=len, module=pd)
    assert offered(shell, "%%flink\nSELECT {{ f|}}") == ["frame", "from_day"]
    assert offered(shell, "%stream send t f|") == ["frame"]
    assert offered(shell, "%stream load f|") == ["frame"]


def test_deployments(shell):
    assert offered(shell, "%stream stop or|") == []
    ledger = Ledger.open()
    ledger.add_version("local", "orders-live", Bundle(engine="flink", statement="SELECT 1"), "x.ipynb")
    ledger.close()
    wait_for(shell, "%stream stop or|", ["orders-live"])


def test_an_engine_that_hangs_holds_up_nothing(shell, engine):
    wait_for(shell, "%%flink\nSELECT or|", ["order_id", "order_total"])
    engine.may_answer.clear()
    engine.found = Catalog({"others": ()})
    statement = split("CREATE TABLE others (a INT) WITH ()", plugins()["flink"].dialect)[0]
    extension._loaded[id(shell)].completions.defined(engine, statement)
    for text in ("%%flink\nSELECT or|", "%%flink\nSELECT 1, or|", "%%flink\nSELECT 2, or|"):
        began = time.perf_counter()
        assert offered(shell, text) == ["order_id", "order_total"]
        assert time.perf_counter() - began < 1  # it would hang for 20
    assert len(streammagic_threads()) <= 2  # one for the catalog, one for proposals
    engine.may_answer.set()
    wait_for(shell, "%%flink\nSELECT * FROM ot|", ["others"])


def test_a_first_completion_of_an_engine_that_hangs_offers_what_needs_no_engine(shell, engine):
    engine.may_answer.clear()
    assert "COUNT" in offered(shell, "%%flink\nSELECT COU|")


def test_what_fails_is_not_asked_again_at_once(shell, engine):
    engine.found = ConnectionFailedError("it is gone")
    offered(shell, "%%flink\nSELECT or|")
    eventually(lambda: not streammagic_threads(), 5, "the fetch ends")
    offered(shell, "%%flink\nSELECT or|")
    assert engine.asked.count("catalog") == 1


def test_the_engines_own_completions(shell, engine):
    engine.proposed = ["JARS", "(", "JOBS"]
    eventually(
        lambda: offered(shell, "%%flink\nSHOW |")[:2] == ["JARS", "JOBS"], 5, "the engine's come first"
    )
    assert ("SHOW ", 5) in engine.asked


def test_a_statement_that_the_engine_can_not_complete(shell, engine):
    def refuse(*_):
        raise SqlError("no query")

    engine.complete = refuse
    wait_for(shell, "%%flink\nDESCRIBE |", ["orders"])


@pytest.mark.parametrize(
    ("sql", "asks"),
    [("CREATE TABLE t (a INT)", True), ("USE c", True), ("SET 'a' = 'b'", False), ("SELECT 1", False)],
)
def test_what_a_cell_defines_is_fetched_before_it_is_asked_for(engine, loaded, sql, asks):
    loaded.notebook.config.mode = "live"
    loaded.completions.defined(engine, split(sql, plugins()["flink"].dialect)[0])
    assert bool(streammagic_threads()) is asks
    eventually(lambda: not streammagic_threads(), 5, "the fetch ends")
    assert bool(engine.asked) is asks


def test_in_batch_nobody_completes(engine, loaded):
    loaded.notebook.config.mode = "batch"
    loaded.completions.defined(engine, split("CREATE TABLE t (a INT)", plugins()["flink"].dialect)[0])
    assert streammagic_threads() == []
    assert engine.asked == []


def test_unloading_ends_a_fetch_that_is_under_way(shell, engine):
    engine.may_answer.clear()
    offered(shell, "%%flink\nSELECT or|")
    assert streammagic_threads()
    shell.extension_manager.unload_extension("streammagic")
    eventually(lambda: not streammagic_threads(), 5, "no thread is left")


def test_a_value_outdated_while_it_is_fetched_is_fetched_once_more():
    memory, may_answer, count = Background(), threading.Event(), iter(range(9))

    def fetch():
        number = next(count)
        may_answer.wait(20)
        return number

    memory.want("x", fetch, seconds=60)
    eventually(lambda: not memory._hurry, 5, "the fetch has begun")
    memory.outdate("x")
    may_answer.set()
    assert memory.get("x", time.monotonic() + 5) == 0
    memory.want("x", fetch, seconds=60)
    assert memory.get("x", time.monotonic() + 5) == 1
    memory.want("x", fetch, seconds=60)
    assert memory.get("x", 0) == 1
    memory.close()
    memory.want("x", fetch, seconds=0)
    assert streammagic_threads() == []


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("%%fli", 0, 5),
        ("%%flink", 0, 7),
        ("print(1)", 0, 3),
        ("%%time\nx", 1, 1),
        ("%flink", 0, 6),
        ("a %flink b", 0, 9),
    ],
)
def test_where_no_magic_of_ours_is(text, line, column):
    assert typed(text, line, column, {"flink"}) is None


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("SELECT", 0),
        (" --bg SELECT", 6),
        (" --conn x SELECT 1", 10),
        (" --view=none S", 13),
        (" --conn x", None),
        (" --bg", None),
    ],
)
def test_where_the_sql_of_a_line_begins(line, start):
    assert sql_start(query_parser("flink", "Flink").arguments, line) == start


def test_an_option_with_several_values_takes_options_after_the_first():
    arguments = query_parser("flink", "Flink").arguments
    assert next_word(arguments, "--set a=b ").options
    assert not next_word(arguments, "--set ").options
    assert "--bg" not in next_word(arguments, "--bg ").options
    assert "--set" in next_word(arguments, "--set a=b --").options
    assert next_word(arguments, "--conn 'x") is None
    assert isinstance(next_word(arguments, "--conn ").values_of, argparse.Action)
