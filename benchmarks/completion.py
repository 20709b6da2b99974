"""A completion in a ``%%flink`` cell, against one of Python's by the same completer, in a warm shell.

``python -m benchmarks.completion [PAIRS]``. No engine is asked: a stub holds 100 tables of 20 columns.
``ratio`` is our time over Python's (lower is better), the median of interleaved pairs; ``slowest_cpu_ms`` is
the processor's time of the slowest of ours, which other load does not stretch; ``hanging_ms`` the median while
the engine does not answer, most of it the wait for it.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from IPython.core.completer import provisionalcompleter

from benchmarks import cluster
from streammagic.magics import extension
from streammagic.sql.catalog import Catalog, Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

_BODY = "\n".join(f"SELECT column_{n} FROM table_{n} WHERE column_1 > {n}; -- {n}" for n in range(100))
_OURS = (
    f"%%flink\n{_BODY}\nSELECT col",
    f"%%flink\n{_BODY}\nSELECT * FROM tab",
    "%%flink\nSELECT ",
    "%stream st",
)
_PYTHON = "import os\nos.path.jo"


class _Engine:
    """A catalog; once ``hangs`` it answers nothing."""

    hangs = False

    def __init__(self) -> None:
        columns = tuple(Column(f"column_{n}", "BIGINT") for n in range(20))
        self._catalog = Catalog({f"table_{n}": columns for n in range(100)})
        self.released = threading.Event()

    def catalog(self) -> Catalog:
        if self.hangs:
            self.released.wait()
        return self._catalog

    def complete(self, _sql: str, _position: int) -> list[str]:
        if self.hangs:
            self.released.wait()
        return []

    def close(self) -> None:
        self.released.set()


def _milliseconds(
    shell: InteractiveShell, text: str, clock: Callable[[], float] = time.perf_counter
) -> float:
    completer: Any = shell.Completer
    began = clock()
    with provisionalcompleter():
        found = list(completer.completions(text, len(text)))
    took = 1000 * (clock() - began)
    if not found:
        raise SystemExit(f"nothing is offered after {text[-30:]}")
    return took


def main(pairs: int = 30) -> None:
    shell, engine = cluster.shell(), _Engine()
    extension._loaded[id(shell)].notebook.connections._engines["flink"] = engine  # type: ignore[assignment]  # noqa: SLF001
    for text in (*_OURS, _PYTHON):
        _milliseconds(shell, text)
    ours, python = [], []
    for _ in range(pairs):
        python.append(_milliseconds(shell, _PYTHON))
        ours += [_milliseconds(shell, text) for text in _OURS]
    processor = [_milliseconds(shell, text, time.thread_time) for text in _OURS for _ in range(pairs)]
    engine.hangs = True
    hanging = [_milliseconds(shell, f"%%flink\nSELECT {n}, col") for n in range(pairs)]
    cluster.report(
        "completion",
        ratio=round(statistics.median(ours) / statistics.median(python), 2),
        ours_ms=round(statistics.median(ours), 1),
        slowest_cpu_ms=round(max(processor), 1),
        hanging_ms=round(statistics.median(hanging), 1),
        python_ms=round(statistics.median(python), 1),
    )
    shell.run_line_magic("unload_ext", "streammagic")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
