"""Each example of the texts about Flink's SQL runs on the real Flink as it is shown."""

import pytest

from streammagic import reference
from streammagic.errors import SqlError

pytestmark = pytest.mark.flink

ENTRIES = [reference.entry(name, "flink") for name in reference.names("flink")]
WITHOUT_JAR = {"jdbc": "jdbc", "lookup join": "jdbc", "avro": "avro"}
"""What is not part of Flink: a connector or a format, by entry."""
ON_KAFKA = [e for e in ENTRIES if "{{ kafka }}" in e.example and e.title not in WITHOUT_JAR]
VALUES = {"least": 2, "wanted": ["tea", "milk"], "column": "item"}
ROWS = {
    "TUMBLE": 8,
    "HOP": 6,
    "CUMULATE": 6,
    "deduplication": 2,
    "regular join": 12,
    "interval join": 12,
    "temporal join": 12,
    "top-N": 4,
    "OVER": 12,
    "hints": 3,
    "SESSION": 8,
    "window join": 10,
    "MATCH_RECOGNIZE": 3,
    "GROUP BY": 2,
    "state TTL": 12,
    "variables": 1,
}


def titled(entry):
    return entry.title


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e not in ON_KAFKA and e.title not in WITHOUT_JAR], ids=titled
)
def test_an_example_runs(shell, entry):
    shell.user_ns.update(VALUES)
    handle = shell.flink(entry.example, "--timeout 60")
    assert handle.status == "finished"
    if entry.title in ROWS:
        assert len(handle.df) == ROWS[entry.title]


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka")
@pytest.mark.parametrize("title", WITHOUT_JAR)
def test_an_example_without_its_jar_says_that_only_this_is_missing(shell, title):
    with pytest.raises(SqlError) as raised:
        shell.flink(reference.entry(title, "flink").example)
    missing = f"Could not find any factory for identifier '{WITHOUT_JAR[title]}'"
    assert missing in f"{raised.value.cause}{raised.value.details}"


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka")
@pytest.mark.parametrize("entry", ON_KAFKA, ids=titled)
def test_an_example_for_kafka_is_planned(shell, entry):
    handle = shell.flink(entry.example)
    assert "== Optimized Execution Plan ==" in handle.df.iloc[0, 0]


def test_all_examples_fit_into_one_notebook(shell):
    """The tables that they share are the same in all of them, so that one after the other can be tried."""
    for entry in ENTRIES:
        if entry.title in ("TUMBLE", "HOP", "regular join", "temporal join", "datagen"):
            assert shell.flink(entry.example, "--timeout 60").status == "finished"
