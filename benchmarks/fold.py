"""``count(*)`` over 1,000,000 rows, 1,999,999 changes, folded, against a bare drain of the same query.

``ratio`` is our rate over the bare drain's (higher is better); ``fold_rate`` is the fold alone.
"""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks import cluster
from streammagic.results.changes import Page, RowKind
from streammagic.results.fold import ExactFold


def main(rows: int = 1_000_000, pairs: int = 3) -> None:
    found = cluster.start()
    shell = cluster.shell()
    ddl = cluster.SOURCE.format(name="source", rows=rows)
    shell.run_cell(f"%%flink\n{ddl}")
    sql = "SELECT COUNT(*) FROM source"
    bare, ours = [], []
    for _ in range(pairs):
        began = time.perf_counter()
        changes = sum(len(page["results"]["data"]) for page in cluster.bare_pages(found, ddl, sql))
        bare.append(changes / (time.perf_counter() - began))
        began = time.perf_counter()
        shell.run_cell(f"%%flink -o h --view none\n{sql}")
        handle = shell.user_ns["h"]
        answer = handle.df.iloc[0, 0]
        ours.append(handle.stats.read / (time.perf_counter() - began))
        if answer != rows or handle.stats.read != changes:
            raise SystemExit(f"counted {answer}, {handle.stats.read} changes of {changes}")
    cluster.report(
        "fold",
        changes=changes,
        ratio=round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 3),
        bare_per_second=[round(value) for value in bare],
        per_second=[round(value) for value in ours],
        fold_rate=round(_fold_alone(rows)),
    )
    shell.run_line_magic("unload_ext", "streammagic")


def _fold_alone(rows: int) -> float:
    kinds = [RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER] * 2500
    pages = [
        Page([[n + i + after] for i in range(2500) for after in (0, 1)], kinds) for n in range(1, rows, 2500)
    ]
    fold = ExactFold()
    fold.apply(Page([[1]]))
    began = time.perf_counter()
    for page in pages:
        fold.apply(page)
    return len(pages) * len(kinds) / (time.perf_counter() - began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
