"""Made up answers in the exact shape of the recorded ones."""

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from ksqldb.recordings import Answer

JSON = "application/json"
V1 = "application/vnd.ksql.v1+json"
DELIMITED = "application/vnd.ksqlapi.delimited.v1"
CHUNKED = (("Transfer-Encoding", "chunked"),)


def to_json(value: Any) -> str:
    """Return JSON as the server writes it: no blanks, Java's numbers, characters beyond the BMP escaped."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{to_json(str(name))}:{to_json(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(
        "[\U00010000-\U0010ffff]", lambda found: json.dumps(found[0])[1:-1].upper().replace("U", "u"), text
    )


def java_double(value: float) -> str:
    """Return a DOUBLE as Java writes it: 3.0, 1.0E10; NaN and the infinities as strings."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return json.dumps({"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)])
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    digits, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def sized(status: str, body: str, headers: Iterable[tuple[str, str]] = (("content-type", JSON),)) -> Answer:
    """Return an answer whose length stands in its head."""
    data = body.encode()
    return Answer(status, (*headers, ("content-length", str(len(data)))), ((0.0, data),) if data else ())


def streamed(pieces: Iterable[str], end: str = "last-chunk", status: str = "200 OK") -> Answer:
    """Return an answer of chunks; like the server's streams it tells no content type."""
    return Answer(status, CHUNKED, tuple((0.0, piece.encode()) for piece in pieces), end)


def entity(*entities: Any, status: str = "200 OK") -> Answer:
    """Return what /ksql answers; ``warnings`` is added where it is missing."""
    return sized(status, to_json([one | {"warnings": one.get("warnings", [])} for one in entities]))


def statement_error(
    message: str, sql: str, code: int = 40001, status: str = "400 Bad Request", *, chunked: bool = False
) -> Answer:
    """Return the refusal of a statement; ``chunked`` as /query-stream and planning on /query give it."""
    body = {
        "@type": "statement_error",
        "error_code": code,
        "message": message,
        "statementText": sql,
        "entities": [],
    }
    return streamed([to_json(body)], status=status) if chunked else sized(status, to_json(body))


def generic_error(
    message: str,
    code: int = 40000,
    status: str = "400 Bad Request",
    *,
    chunked: bool = False,
    headers: Iterable[tuple[str, str]] = (("content-type", JSON),),
) -> Answer:
    """Return the refusal of a request."""
    body = to_json({"@type": "generic_error", "error_code": code, "message": message})
    return streamed([body], status=status) if chunked else sized(status, body, headers)


def push_v1(  # noqa: PLR0913, PLR0917 - each has its default
    schema: str,
    rows: Iterable[Sequence[Any]],
    tombstones: Iterable[int] = (),
    end: str = "open",
    query_id: str = "transient_X_1",
    error: str = "",
) -> Answer:
    """Return a push query's answer in v1+json, one chunk a row.

    ``schema`` is the header's text; ``tombstones`` are the places of those rows that are; ``end`` is "open",
    "limit", "completed" or "error" (in-band, with the message ``error`` and the dangling comma of the real one).
    """
    gone = set(tombstones)
    pieces = ["[" + to_json({"header": {"queryId": query_id, "schema": schema}}) + ",\n"]
    for place, row in enumerate(rows):
        columns: dict[str, Any] = {"columns": list(row)}
        pieces.append(to_json({"row": columns | ({"tombstone": True} if place in gone else {})}) + ",\n")
    if end == "error":
        message = {"@type": "generic_error", "error_code": 50000, "message": error}
        pieces += [to_json({"errorMessage": message}) + ",\n", "]"]
    elif end != "open":
        final = {"limit": "Limit Reached", "completed": "Query Completed"}[end]
        pieces += [to_json({"finalMessage": final}), "]"]
    return streamed(pieces, "open" if end == "open" else "last-chunk")


def delimited(
    columns: Sequence[str],
    types: Sequence[str],
    rows: Iterable[Sequence[Any]],
    end: str = "completed",
    query_id: str = "transient_X_1",
) -> Answer:
    """Return a query's answer in the delimited format, one chunk a row; ``end`` is "completed" or "open"."""
    head = {"queryId": query_id, "columnNames": list(columns), "columnTypes": list(types)}
    pieces = [to_json(head) + "\n", *(to_json(list(row)) + "\n" for row in rows)]
    return streamed(pieces, "open" if end == "open" else "last-chunk")


def info(version: str = "7.4.0", server_status: str = "RUNNING") -> Answer:
    """Return what /info answers."""
    told = {
        "version": version,
        "kafkaClusterId": "standin",
        "ksqlServiceId": "nb_",
        "serverStatus": server_status,
    }
    return sized("200 OK", to_json({"KsqlServerInfo": told}))
