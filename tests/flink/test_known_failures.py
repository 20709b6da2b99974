"""The known failures, provoked on the real Flink: it still says what was recorded."""

import json

import connector_options
import pytest
from flink_failures import FAILURES, FILES

from streammagic.engines.base import Settings
from streammagic.engines.flink.gateway import Gateway
from streammagic.engines.flink.paging import PageReader
from streammagic.errors import SqlError, StreamMagicError
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

pytestmark = pytest.mark.flink

QUICK = [failure for failure in FAILURES if failure.how == "quick"]


@pytest.fixture(scope="module")
def gateway(cluster):
    found = Gateway(cluster.gateway, Settings(urls={}))
    yield found
    found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("data")
    for name, text in FILES.items():
        (made / name).write_text(text, encoding="utf-8")
    return str(made)


@pytest.fixture
def session(gateway):
    handle = gateway.open_session({})
    yield handle
    gateway.close_session(handle)


def run(gateway, session, sql, settings):
    """Run a statement to its end, or to its error."""
    statement = split(sql, FlinkDialect())[0]
    operation = gateway.submit(session, sql, settings, statement)
    reader, token = PageReader(), 0
    try:
        while True:
            page = reader.read(gateway.fetch(session, operation, token, statement))
            token += page.ready
            if page.last:
                return
    finally:
        gateway.close_operation(session, operation)


@pytest.mark.parametrize("failure", QUICK, ids=[failure.name for failure in QUICK])
def test_flink_still_says_it(gateway, session, folder, failure):
    for sql in failure.setup:
        run(gateway, session, sql.replace("{folder}", folder), {})
    with pytest.raises(StreamMagicError) as raised:
        run(gateway, session, failure.sql, failure.settings)
    error = raised.value
    assert (type(error).__name__, error.message) == (
        failure.kind,
        failure.message.replace("{folder}", folder),
    )
    assert (error.line, error.column) == (failure.line, failure.column)
    assert error.link == failure.link


def test_the_stored_options_are_those_that_flink_names(gateway):
    stored = json.loads(connector_options.STORED.read_text(encoding="utf-8"))
    assert connector_options.everything(gateway) == stored


class TestNearMisses:
    @pytest.fixture(autouse=True)
    def tables(self, shell):
        shell.flink(
            "CREATE TEMPORARY TABLE orders (id BIGINT, customer STRING) WITH ('connector' = 'datagen')"
        )

    @pytest.mark.parametrize(
        ("cell", "hint"),
        [
            ("SELECT * FROM ordrs", "Did you mean orders?"),
            ("DESCRIBE ordrs", "Did you mean orders?"),
            ("SELECT id, costumer FROM orders", "Did you mean customer?"),
            ("SELECT uper(customer) FROM orders", "Did you mean UPPER?"),
        ],
    )
    def test_what_is_there_is_named(self, shell, cell, hint):
        with pytest.raises(SqlError) as raised:
            shell.run_cell(f"%%flink\n{cell}")
        assert raised.value.hint.startswith(hint)

    def test_an_error_is_told_though_the_engine_cannot_be_asked(self, shell, monkeypatch):
        asked = []

        def broken(_engine, kind, _statement):
            asked.append(kind)
            raise OSError

        monkeypatch.setattr("streammagic.engines.flink.engine.FlinkEngine._names", broken)
        with pytest.raises(SqlError) as raised:
            shell.run_cell("%%flink\nSELECT * FROM ordrs")
        assert (raised.value.message, asked) == ("There is no table ordrs.", ["table"])
