"""Parsing ksqlDB's streamed rows, against one ``orjson.loads`` a line of the same body, already split.

``python -m benchmarks.ksqldb_parse [ROWS] [PAIRS]``. ``ratio`` is our rate over the bare one (higher is
better), the median of interleaved pairs, for 64 KB pieces. ``linear`` is the time that a row takes in a body of
all rows over that in one of a tenth of them, for pieces of so many bytes: 1.0 where time is linear.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time

import orjson

from benchmarks import cluster
from streammagic.engines.ksqldb.wire import Format, Parser, Rows

_SCHEMA = {"ID": "BIGINT", "X": "DOUBLE", "S": "STRING"}
_PIECE = 65536


def main(rows: int = 100_000, pairs: int = 7) -> None:
    figures: dict[str, object] = {"rows": rows}
    for name, form in (("v1", Format.V1), ("delimited", Format.DELIMITED), ("json", Format.JSON)):
        elements = _elements(form, rows)
        body = _body(form, elements)
        bare, ours = [], []
        for _ in range(pairs):
            bare.append(rows / _bare(elements))
            ours.append(rows / _ours(form, body, _PIECE, rows))
        figures[name] = {
            "ratio": round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 2),
            "bare_per_second": round(statistics.median(bare)),
            "per_second": round(statistics.median(ours)),
            "linear": {str(size): _linear(form, elements, size) for size in (1, 7, _PIECE)},
        }
    cluster.report("ksqldb_parse", **figures)


def _elements(form: Format, rows: int) -> list[bytes]:
    """Return the header and the rows, as JSON each."""
    values = [[1000 + n, n / 7, f"row number {1000 + n}"] for n in range(rows)]
    if form is Format.V1:
        schema = ", ".join(f"`{name}` {sql}" for name, sql in _SCHEMA.items())
        header = {"header": {"queryId": "transient_S_1", "schema": schema}}
        return [orjson.dumps(header), *(orjson.dumps({"row": {"columns": row}}) for row in values)]
    names, types = list(_SCHEMA), list(_SCHEMA.values())
    metadata = {"queryId": "transient_S_1", "columnNames": names, "columnTypes": types}
    return [orjson.dumps(metadata), *map(orjson.dumps, values)]


def _body(form: Format, elements: list[bytes]) -> bytes:
    """Return them framed as the server does."""
    match form:
        case Format.V1:
            return b"[" + b",\n".join(elements) + b',\n{"finalMessage":"Query Completed"}]'
        case Format.DELIMITED:
            return b"\n".join(elements) + b"\n"
        case Format.JSON:
            return b"[" + b",".join(elements) + b"]"


def _bare(elements: list[bytes]) -> float:
    gc.collect()
    began = time.perf_counter()
    kept = []
    for element in elements:
        kept.append(orjson.loads(element))  # noqa: PERF401 - the plainest client there is
    return time.perf_counter() - began


def _ours(form: Format, body: bytes, size: int, rows: int, *, keep: bool = True) -> float:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    gc.collect()
    began = time.perf_counter()
    parser, kept, read = Parser(form), [], 0
    for piece in pieces:
        for event in parser.feed(piece):
            if isinstance(event, Rows):
                read += len(event.rows)
            if keep:
                kept.append(event)
    parser.finish()
    took = time.perf_counter() - began
    if read != rows:
        raise SystemExit(f"{read} rows of {rows}")
    return took


def _linear(form: Format, elements: list[bytes], size: int) -> float:
    """Compare bodies whose rows are let go of: what keeping them costs is the garbage collector's."""
    rows, part = len(elements) - 1, (len(elements) - 1) // 10
    whole, few = _body(form, elements), _body(form, elements[: part + 1])
    ratios = [
        _ours(form, whole, size, rows, keep=False) / rows * part / _ours(form, few, size, part, keep=False)
        for _ in range(3)
    ]
    return round(statistics.median(ratios), 2)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
