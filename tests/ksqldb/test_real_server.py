"""The main path on a real ksqlDB: what no recording can answer. Needs STREAMMAGIC_KSQLDB.

Everything is made under names of this run's own, and dropped again.
"""

import decimal
import os
import uuid

import pytest
from real_shell import shell_with
from waiting import eventually

from streammagic.errors import SqlError

SERVER = os.environ.get("STREAMMAGIC_KSQLDB", "")

pytestmark = [
    pytest.mark.ksqldb,
    pytest.mark.skipif(not SERVER, reason="STREAMMAGIC_KSQLDB is not set: no real ksqlDB to run on"),
]


class Server:
    """A shell on the server, and names that nobody else has."""

    def __init__(self, shell):
        self.shell = shell
        self.name = f"SM{uuid.uuid4().hex[:8]}".upper()

    def ksql(self, sql, options="--from earliest"):
        self.shell.run_cell(f"%%ksql -o last {options}\n{sql.replace('@', self.name)}")
        return self.shell.user_ns["last"]

    def stream(self, cell):
        self.shell.run_cell(cell.replace("@", self.name))
        return self.shell.shown[-1]


@pytest.fixture
def server(tmp_path):
    environment = {"STREAMMAGIC_KSQLDB": SERVER, "STREAMMAGIC_HOME": str(tmp_path / "home")}
    with shell_with(environment, tmp_path) as shell:
        shell.extension_manager.load_extension("streammagic")
        server = Server(shell)
        server.ksql(
            "CREATE STREAM @_ORDERS (id STRING KEY, item STRING, qty INTEGER, price DECIMAL(10, 2)) "
            "WITH (kafka_topic = '@_orders', value_format = 'JSON', partitions = 1);"
            "INSERT INTO @_ORDERS VALUES ('o1', 'tea', 3, 1.50);"
            "INSERT INTO @_ORDERS VALUES ('o2', 'mate', 10, 99999999.99);"
            "INSERT INTO @_ORDERS (id, item) VALUES ('o3', 'é 漢字 😀')"
        )
        yield server
        server.ksql("DROP STREAM IF EXISTS @_ORDERS DELETE TOPIC")


def test_a_push_query_reads_a_stream_from_its_beginning(server):
    handle = server.ksql("SELECT * FROM @_ORDERS EMIT CHANGES LIMIT 3")
    assert list(handle) == [
        ("o1", "tea", 3, decimal.Decimal("1.50")),
        ("o2", "mate", 10, decimal.Decimal("99999999.99")),
        ("o3", "é 漢字 😀", None, None),
    ]
    assert handle.exact


def test_an_aggregate_is_folded_by_its_key_and_read_by_a_pull_query(server):
    counting = "SELECT item, COUNT(*) AS n, SUM(qty) AS pieces FROM @_ORDERS GROUP BY item"
    pushed = server.ksql(f"{counting} EMIT CHANGES", "--from earliest --timeout 10 --limit 3")
    assert {row[0] for row in pushed} == {"tea", "mate", "é 漢字 😀"}
    server.ksql(f"CREATE TABLE @_TOTALS AS {counting}")
    try:
        expected = [("mate", 1, 10), ("tea", 1, 3)]
        pulled = "SELECT item, n, pieces FROM @_TOTALS"
        eventually(lambda: sorted(server.ksql(pulled))[:2] == expected, 30, "it has counted")
    finally:
        server.ksql("DROP TABLE @_TOTALS DELETE TOPIC")


def test_a_tombstone_takes_a_row_away(server):
    server.ksql(
        "CREATE TABLE @_USERS (id STRING PRIMARY KEY, name STRING) "
        "WITH (kafka_topic = '@_users', value_format = 'JSON', partitions = 1);"
        "INSERT INTO @_USERS VALUES ('u1', 'Ann'); INSERT INTO @_USERS VALUES ('u2', 'Bob');"
        "INSERT INTO @_USERS (id) VALUES ('u1'); INSERT INTO @_USERS VALUES ('u2', 'Bo')"
    )
    try:
        live = server.ksql(
            "SELECT id, name FROM @_USERS WHERE name IS NOT NULL EMIT CHANGES", "--from earliest --bg"
        )
        live = live.wait(rows=1, seconds=20)
        eventually(lambda: list(live) == [("u2", "Bo")], 20, f"the table is folded: {list(live)}")
        live.stop()
    finally:
        server.ksql("DROP TABLE @_USERS DELETE TOPIC")


def test_a_deployment_from_its_first_cell_to_its_end(server):
    deploy = (
        "%%stream deploy @_big --engine ksql --from earliest {}\nSELECT id, qty FROM @_ORDERS WHERE qty > {}"
    )
    assert "running (version 1)" in server.stream(deploy.format("", 5))
    assert "unchanged" in server.stream(deploy.format("", 5))
    assert list(server.ksql("SELECT * FROM @_BIG EMIT CHANGES LIMIT 1")) == [("o2", 10)]
    assert "paused" in server.stream("%stream stop @_big") or "terminated" in server.shell.shown[-1]
    server.stream("%stream deploy @_big --resume")
    assert "version 2" in server.stream(deploy.format("--replace", 4))
    assert "topic @_BIG".replace("@", server.name) in server.stream("%stream delete @_big --topics")


def test_an_error_is_placed_in_the_cell(server):
    with pytest.raises(SqlError) as caught:
        server.ksql("SELECT id,\n  nosuch\nFROM @_ORDERS EMIT CHANGES")
    assert caught.value.line == 3
