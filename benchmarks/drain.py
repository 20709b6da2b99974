"""Rows of (BIGINT, DOUBLE, STRING) through ``%%flink`` to ``.df``, against a bare drain of the same query.

``python -m benchmarks.drain [ROWS] [PAIRS]``; seconds, MB; ``ratio`` is the median of the pairs' ratios.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time

from benchmarks import cluster


def main(rows: int = 1_000_000, pairs: int = 3) -> None:
    found = cluster.start()
    shell = cluster.shell()
    shell.run_cell(f"%%flink\n{cluster.SOURCE.format(name='warm', rows=10_000)}; SELECT * FROM warm")
    ddl = cluster.SOURCE.format(name="source", rows=rows)
    shell.run_cell(f"%%flink\n{ddl}")
    bare, ours = [], []
    for _ in range(pairs):
        began = time.perf_counter()
        drained = sum(
            len(page["results"]["data"]) for page in cluster.bare_pages(found, ddl, "SELECT * FROM source")
        )
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        shell.run_cell("%%flink -o h --view none\nSELECT * FROM source")
        frame = shell.user_ns["h"].df
        ours.append(time.perf_counter() - began)
        if len(frame) != rows or drained != rows:
            raise SystemExit(f"{drained} and {len(frame)} rows instead of {rows}")
        del frame, shell.user_ns["h"]
    cluster.report(
        "drain",
        rows=rows,
        ratio=round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 3),
        bare_seconds=[round(value, 2) for value in bare],
        seconds=[round(value, 2) for value in ours],
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    shell.run_line_magic("unload_ext", "streammagic")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
