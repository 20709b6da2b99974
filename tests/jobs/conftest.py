"""A ledger in a home of its own."""

import pytest

from streammagic.engines.jobs import Bundle, SinkRequest
from streammagic.jobs.ledger import Ledger


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("STREAMMAGIC_HOME", str(home))
    return home


@pytest.fixture
def ledger(home):
    assert not home.exists()
    ledger = Ledger.open()
    assert ledger.notes == ()
    yield ledger
    ledger.close()


@pytest.fixture
def bundle():
    return Bundle(
        engine="flink",
        statement="SELECT 'größe', '🎉', '日本' FROM orders",
        definitions=("CREATE TABLE orders (n INT) WITH ('connector' = 'datagen')", "ADD JAR '/tmp/ü.jar'"),
        settings={"parallelism.default": "2"},
        sink=SinkRequest(connector="kafka", options={"format": "json"}, exactly_once=True),
        table="orders_out",
        table_ddl="CREATE TABLE orders_out (n INT)",
        insert="INSERT INTO orders_out SELECT 'größe' FROM orders",
        topics=("orders_out",),
        made_topics=("orders_out",),
        groups=("orders-group",),
    )
