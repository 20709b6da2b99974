"""Seconds from a cell's start to its first row, against a bare POST and poll of the same query."""

from __future__ import annotations

import statistics
import time

from benchmarks import cluster


def main(pairs: int = 7) -> None:
    found = cluster.start()
    shell = cluster.shell()
    ddl = cluster.SOURCE.format(name="source", rows=10)
    shell.run_cell(f"%%flink\n{ddl}; SELECT * FROM source")
    bare, ours = [], []
    for _ in range(pairs):
        began = time.perf_counter()
        for page in cluster.bare_pages(found, ddl, "SELECT * FROM source"):
            if page["results"]["data"]:
                bare.append(time.perf_counter() - began)
                break
        began = time.perf_counter()
        shell.run_cell("%%flink -o h --bg --view none\nSELECT * FROM source")
        shell.user_ns["h"].wait(rows=1)
        ours.append(time.perf_counter() - began)
        shell.user_ns["h"].wait()
    cluster.report(
        "first_row",
        ratio=round(statistics.median(ours) / statistics.median(bare), 3),
        bare_seconds=round(statistics.median(bare), 3),
        seconds=round(statistics.median(ours), 3),
    )
    shell.run_line_magic("unload_ext", "streammagic")


if __name__ == "__main__":
    main()
