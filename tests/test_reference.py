"""The short texts about the engines' SQL: they are found by the names that people type, and hold what they say."""

import subprocess
import sys

import pytest
from ksqldb.shells import cells_on
from ksqldb.tiny import TinyKsql

from streammagic import reference
from streammagic.errors import OptionError
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import Kind, split

DIALECTS = {"flink": FlinkDialect(), "ksql": KsqlDialect()}
EVERY = [reference.entry(name, engine) for engine in DIALECTS for name in reference.names(engine)]
OF_ONE = [entry for entry in EVERY if entry.engine]
KSQL = [entry for entry in EVERY if entry.engine == "ksql"]
NOT_ON_TINY = {
    "SESSION": "the small server has no session windows",
    "join": "the small server has no joins",
    "EMIT FINAL": "the small server has no EMIT FINAL",
    "headers": "the small server has no headers",
}


def ids(entry):
    return f"{entry.engine}-{entry.title}"


def test_each_engine_has_its_own_and_ours():
    assert {"TUMBLE", "MATCH_RECOGNIZE", "upsert-kafka", "variables"} <= set(reference.names("flink"))
    assert {"TUMBLING", "pull query", "variables"} <= set(reference.names("ksql"))
    assert "TUMBLING" not in reference.names("flink")
    assert reference.names("nothing") == []


def test_without_an_engine_there_are_all():
    assert set(reference.names()) == set(reference.names("flink")) | set(reference.names("ksql"))
    assert reference.names().count("variables") == 1


@pytest.mark.parametrize("entry", EVERY, ids=ids)
def test_an_entry_is_short_and_whole(entry):
    assert 80 < len(entry.text) < 900
    assert max(map(len, entry.text.splitlines())) <= 140
    assert "```" not in entry.text + entry.example
    assert not entry.text.startswith(("also:", "see:", "with:"))
    assert entry.also
    assert "," not in entry.title


@pytest.mark.parametrize("entry", OF_ONE, ids=ids)
def test_an_entry_is_found_by_its_title_and_its_other_names_of_its_engine(entry):
    assert reference.entry(entry.title.lower(), entry.engine) == entry
    titles = [title.casefold() for title in reference.names(entry.engine)]
    for other in entry.also:
        assert other.casefold() == entry.title.casefold() or other.casefold() not in titles
        assert reference.entry(f" {other.upper()} ", entry.engine).engine == entry.engine


@pytest.mark.parametrize("entry", OF_ONE, ids=ids)
def test_an_example_is_sql_that_its_dialect_knows(entry):
    statements = split(entry.example, DIALECTS[entry.engine])
    assert statements
    assert Kind.OTHER not in {statement.kind for statement in statements}
    assert [s for s in statements if DIALECTS[entry.engine].foreign_hint(s)] == []


@pytest.mark.parametrize("entry", OF_ONE, ids=ids)
def test_a_link_leads_to_the_engines_documentation(entry):
    host = {
        "flink": "https://nightlies.apache.org/flink/flink-docs-release-2.3/docs/",
        "ksql": "https://docs.ksqldb.io/",
    }
    assert entry.link.startswith(host[entry.engine])
    assert " " not in entry.link


@pytest.mark.parametrize(
    ("name", "engine", "title"),
    [
        ("TUMBLE", "flink", "TUMBLE"),
        ("tumble", "ksql", "TUMBLING"),
        ("tumbling", None, "TUMBLING"),
        ("window", "ksql", "TUMBLING"),
        ("Group  By", "flink", "GROUP BY"),
        ("dedup", None, "deduplication"),
        ("table.exec.state.ttl", "flink", "state TTL"),
        ("{{ }}", None, "variables"),
        ("{{ name }}", "ksql", "variables"),
        ("session", None, "SESSION"),
    ],
)
def test_what_people_type_leads_there(name, engine, title):
    assert reference.entry(name, engine).title == title


def test_without_an_engine_the_first_that_has_it_is_told():
    assert reference.entry("SESSION").engine == "flink"
    assert reference.entry("SESSION", "ksql").engine == "ksql"


@pytest.mark.parametrize(
    ("name", "engine", "hint"),
    [
        ("TUMBEL", "flink", "Did you mean TUMBLE"),
        ("hoping", "ksql", "Did you mean HOPPING?"),
        ("match recognise", "flink", "Did you mean MATCH_RECOGNIZE?"),
        ("debezum", "flink", "Did you mean debezium-json?"),
        ("xyzzy", "ksql", "There are TUMBLING, HOPPING, "),
    ],
)
def test_a_near_miss_is_an_error_that_names_it(name, engine, hint):
    with pytest.raises(OptionError) as raised:
        reference.entry(name, engine)
    assert name in raised.value.message
    assert raised.value.hint.startswith(hint)


@pytest.mark.parametrize("name", ["", " ", "```", "##", "%s"])
def test_nonsense_is_an_error(name):
    with pytest.raises(OptionError):
        reference.entry(name)


def test_nothing_is_read_before_the_first_question():
    code = "from streammagic import reference as r; print(r._read.cache_info().currsize); r.names('flink'); print(r._read.cache_info().currsize)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["0", "2"]


@pytest.mark.parametrize("entry", [e for e in KSQL if e.title not in NOT_ON_TINY], ids=ids)
def test_an_example_of_ksqldb_runs(entry, tmp_path):
    with TinyKsql() as server, cells_on(server, tmp_path) as cells:
        handle = cells.ksql(entry.example)
        assert handle.status == "finished"
        if split(entry.example, DIALECTS["ksql"])[-1].kind is Kind.QUERY:
            assert len(handle.df)


def test_what_is_left_out_is_still_there():
    assert set(NOT_ON_TINY) <= {entry.title for entry in KSQL}
