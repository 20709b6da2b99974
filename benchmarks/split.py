"""Splitting a long script into statements, against a bare pass of the same regular expression over it.

``python -m benchmarks.split [BYTES] [PAIRS]``. ``ratio`` is our time over the bare pass's (lower is better), the
median of interleaved pairs, one for each engine's SQL; ``seconds`` and ``bare_seconds`` are medians too.
``tokens_ratio`` is the same where all tokens of all statements are asked for as well.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from typing import TYPE_CHECKING

from benchmarks import cluster
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split

if TYPE_CHECKING:
    from collections.abc import Callable

    from streammagic.sql.dialect import Dialect

_FLINK = """-- orders of shop {n}; one a line
CREATE TABLE orders_{n} (
  id BIGINT, item STRING COMMENT 'what; was bought', price DECIMAL(10, 2), placed TIMESTAMP(3),
  total AS price * 1.19, WATERMARK FOR placed AS placed - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'orders-{n}', 'format' = 'json');
INSERT INTO sums_{n} /*+ OPTIONS('sink.parallelism' = '2') */
SELECT window_start, item, COUNT(*) AS n, SUM(price) FROM TABLE(
  TUMBLE(TABLE orders_{n}, DESCRIPTOR(placed), INTERVAL '1' MINUTE)) /* a; minute */
WHERE item <> 'it''s; free' GROUP BY window_start, window_end, item;
"""
_KSQL = """-- orders of shop {n}; one a line
CREATE STREAM orders_{n} (id BIGINT KEY, item STRING, price DECIMAL(10, 2), placed BIGINT)
  WITH (KAFKA_TOPIC = 'orders-{n}', VALUE_FORMAT = 'JSON', TIMESTAMP = 'placed');
CREATE TABLE sums_{n} AS SELECT item, COUNT(*) AS n, SUM(price) AS total FROM orders_{n}
  WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 SECONDS) /* a; minute */
  WHERE item <> 'it''s; free' GROUP BY item EMIT CHANGES;
"""


def main(size: int = 1_000_000, pairs: int = 9) -> None:
    figures: dict[str, object] = {"bytes": size}
    scripts: list[tuple[str, Dialect, str]] = [
        ("flink", FlinkDialect(), _FLINK),
        ("ksql", KsqlDialect(), _KSQL),
    ]
    for name, dialect, text in scripts:
        figures[name] = _measured(_script(text, size), dialect, pairs)
    cluster.report("split", **figures)


def _measured(source: str, dialect: Dialect, pairs: int) -> dict[str, float]:
    bare, ours, all_tokens = [], [], []
    for _ in range(pairs):
        bare.append(_seconds(_bare, source, dialect))
        ours.append(_seconds(_split, source, dialect))
        all_tokens.append(_seconds(_split_and_ask, source, dialect))
    return {
        "ratio": round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 2),
        "tokens_ratio": round(statistics.median(o / b for o, b in zip(all_tokens, bare, strict=True)), 2),
        "seconds": round(statistics.median(ours), 3),
        "bare_seconds": round(statistics.median(bare), 3),
        "statements": len(split(source, dialect)),
    }


def _script(text: str, size: int) -> str:
    """Return a script of so many bytes, and what it takes to end its last statement."""
    parts: list[str] = []
    length = 0
    while length < size:
        parts.append(text.format(n=len(parts)))
        length += len(parts[-1])
    return "".join(parts)


def _bare(source: str, dialect: Dialect) -> None:
    for _ in dialect.lexer.pattern.finditer(source):
        pass


def _split(source: str, dialect: Dialect) -> None:
    if not split(source, dialect):
        raise SystemExit("no statements")


def _split_and_ask(source: str, dialect: Dialect) -> None:
    for statement in split(source, dialect):
        if not statement.tokens:
            raise SystemExit("no tokens")


def _seconds(run: Callable[[str, Dialect], None], source: str, dialect: Dialect) -> float:
    gc.collect()
    began = time.perf_counter()
    run(source, dialect)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
