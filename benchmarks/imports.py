"""Milliseconds of ``import streammagic`` and ``%load_ext`` beyond ``import IPython``, each in a new process."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks import cluster

_CODE = """
import time, IPython
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
a = time.perf_counter(); import streammagic
b = time.perf_counter(); shell.run_line_magic("load_ext", "streammagic")
c = time.perf_counter(); print(1000 * (b - a), 1000 * (c - b))
"""


def main(runs: int = 7) -> None:
    found = []
    for _ in range(runs):
        answer = subprocess.run([sys.executable, "-c", _CODE], check=True, capture_output=True, text=True)
        found.append([float(word) for word in answer.stdout.split()[-2:]])
    imports, loads = (round(statistics.median(column), 1) for column in zip(*found, strict=True))
    cluster.report("import", import_ms=imports, load_ext_ms=loads)


if __name__ == "__main__":
    main()
