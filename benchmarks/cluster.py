"""What the benchmarks share: the embedded Flink, a shell that runs cells, and a bare client."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import orjson
import requests
from IPython.core.interactiveshell import InteractiveShell

from streammagic import local

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """CREATE TABLE {name} (id BIGINT, x AS CAST(id AS DOUBLE) / 7, s AS 'row number ' || CAST(id AS STRING))
WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}', 'rows-per-second' = '100000000',
      'fields.id.min' = '1000', 'fields.id.max' = '1000000000')"""


def start() -> local.Cluster:
    """Join or start the embedded Flink and make it the one that magics use."""
    found = local.start()
    os.environ["STREAMMAGIC_FLINK_GATEWAY"] = found.gateway
    os.environ["STREAMMAGIC_FLINK_REST"] = found.rest
    return found


def shell() -> InteractiveShell:
    """Return an IPython shell with the extension loaded."""
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "streammagic")
    return made


def bare_pages(cluster: local.Cluster, ddl: str, sql: str) -> Iterator[dict[str, Any]]:
    """Yield the decoded pages of a query, with nothing but requests and orjson."""
    with requests.Session() as http:
        base = f"{cluster.gateway}/v4/sessions"
        session = f"{base}/{http.post(base, json={}).json()['sessionHandle']}"
        for statement in (ddl, sql):
            answer = http.post(f"{session}/statements", json={"statement": statement}).json()
            operation = f"{session}/operations/{answer['operationHandle']}"
            token = 0
            while True:
                page = orjson.loads(http.get(f"{operation}/result/{token}?rowFormat=JSON").content)
                if page["resultType"] == "NOT_READY":
                    time.sleep(0.001)
                    continue
                if statement is sql:
                    yield page
                if page["resultType"] == "EOS":
                    break
                token += 1
        http.delete(session)


def report(name: str, **figures: object) -> None:
    """Print one JSON line."""
    print(orjson.dumps({"benchmark": name, **figures}).decode())
