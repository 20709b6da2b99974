"""Ask a real Flink for the options of its connectors and formats; as a script, store what it says.

An option that does not exist is refused with a list of those that do, and a value that does not fit with the
values that do: `STREAMMAGIC_HOME=… python tests/flink/connector_options.py`.
"""

import json
import re
import sys
from pathlib import Path

from streammagic import local
from streammagic.engines.base import Settings
from streammagic.engines.flink.gateway import Gateway
from streammagic.engines.flink.paging import PageReader
from streammagic.errors import StreamMagicError
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

STORED = Path(__file__).parents[2] / "streammagic" / "sql" / "flink_connectors.json"

_KAFKA = {"properties.bootstrap.servers": "127.0.0.1:1"}
_UPSERT = {"topic": "x", "key.format": "json", "value.format": "json"} | _KAFKA
_READ, _WRITE = "SELECT * FROM t", "INSERT INTO t SELECT * FROM (VALUES ('a')) AS v(a) WHERE a = 'b'"
_COLUMNS = "a STRING"
_DATAGEN = "a STRING, b BIGINT, c TIMESTAMP(3), d ARRAY<INT>"
_SEQUENCE = {"fields.b.kind": "sequence", "fields.b.start": "1", "fields.b.end": "2"}

_ASKED = {
    "blackhole": [(_WRITE, _COLUMNS, {})],
    "datagen": [(_READ, _DATAGEN, {}), (_READ, _DATAGEN, _SEQUENCE)],
    "filesystem": [(sql, _COLUMNS, {"path": "/nowhere", "format": "json"}) for sql in (_READ, _WRITE)],
    "kafka": [
        (sql, _COLUMNS, {"topic": "x", "format": "json", "scan.startup.mode": "latest-offset"} | _KAFKA)
        for sql in (_READ, _WRITE)
    ],
    "print": [(_WRITE, _COLUMNS, {})],
    "upsert-kafka": [(sql, f"{_COLUMNS}, PRIMARY KEY (a) NOT ENFORCED", _UPSERT) for sql in (_READ, _WRITE)],
}
_FORMATS = ("canal-json", "csv", "debezium-json", "json", "maxwell-json", "ogg-json", "raw")

_SUPPORTED = re.compile(r"Supported options:\s+((?:[\w.-]+(?:\n|$))+)")
_VALUES = (
    re.compile(r"Expected one of: \[+([^\]]*)\]"),
    re.compile(r"Supported values are \[([^\]]*)\]"),
    re.compile(r"Expected (either true or false)"),
)
_FIELD = re.compile(r"^fields\.[a-d]\.")
_FORMAT_KEY = re.compile(r"^(?:(?:key|value)\.)?json\.")


class Asking:
    """A session that is asked what it does not take."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._session = gateway.open_session({})

    def close(self):
        self._gateway.close_session(self._session)

    def refusal(self, sql, columns, options):
        """Return all that Flink says when a table with these options is used; "" when it takes them."""
        given = ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
        try:
            self._run(f"CREATE OR REPLACE TEMPORARY TABLE t ({columns}) WITH ({given})")
            self._run(f"EXPLAIN {sql}")
        except StreamMagicError as error:
            return f"{error.cause}\n{error.details}"
        finally:
            self._run("DROP TEMPORARY TABLE IF EXISTS t")
        return ""

    def _run(self, sql):
        statement = split(sql, FlinkDialect())[0]
        operation = self._gateway.submit(self._session, sql, {}, statement)
        reader, token = PageReader(), 0
        while True:
            page = reader.read(self._gateway.fetch(self._session, operation, token, statement))
            token += page.ready
            if page.last:
                return


def keys(asking, way, connector):
    """Return the keys that a connector takes in one way of using it."""
    sql, columns, options = way
    said = asking.refusal(sql, columns, {"connector": connector, "no.such": "x", **options})
    listed = _SUPPORTED.search(said)
    found = {key for key in listed[1].split() if key != "connector"}
    said = asking.refusal(sql, columns, {"connector": connector, "properties.no.such": "x", **options})
    return found if "Unsupported options" in said else found | {"properties.*"}


def values(asking, way, connector, key):
    """Return the values that a key takes, where they are few."""
    sql, columns, options = way
    said = asking.refusal(sql, columns, {"connector": connector, **options, key: "~"})
    if key.rpartition(".")[2] not in said:
        return []
    found = next(filter(None, (pattern.search(said) for pattern in _VALUES)), None)
    if found is None:
        return []
    return re.findall(r"[\w-]+", found[1].replace("either ", "").replace(" or ", " "))


def options(asking, ways, connector, chosen):
    """Return the keys that ``chosen`` takes in, with their values, of all ways of using a connector."""
    found = {}
    for way in ways:
        for key in keys(asking, way, connector):
            if chosen(key):
                name = _FIELD.sub("fields.#.", key)
                found[name] = found.get(name) or values(asking, way, connector, key)
    return dict(sorted(found.items()))


def everything(gateway):
    """Return what is to be stored."""
    asking = Asking(gateway)
    try:
        return {
            "connectors": {
                name: options(asking, ways, name, lambda key: not _FORMAT_KEY.match(key))
                for name, ways in _ASKED.items()
            },
            "formats": {
                name: options(
                    asking,
                    [(sql, _COLUMNS, each | {"format": name}) for sql, _, each in _ASKED["kafka"]],
                    "kafka",
                    lambda key, prefix=f"{name}.": key.startswith(prefix),
                )
                for name in _FORMATS
            },
        }
    finally:
        asking.close()


def as_text(found):
    """Return it as it is stored."""
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    gateway = Gateway(local.start().gateway, Settings(urls={}))
    STORED.write_text(as_text(everything(gateway)), encoding="utf-8")
    sys.stdout.write(f"{STORED}\n")
