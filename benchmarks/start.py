"""Seconds to start the embedded Flink in a data directory of its own: cold, and again with its archives.

``ratio`` is warm over cold. The jars must have been fetched before; the archives are waited for.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from benchmarks import cluster
from streammagic import local

_ARCHIVES_SECONDS = 180


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sm-") as home:
        os.environ["STREAMMAGIC_HOME"] = home
        cold = _start()
        log = Path(local.start().log_dir) / "supervisor.log"
        deadline = time.monotonic() + _ARCHIVES_SECONDS
        while log.read_text().count("archive of the ") < 3 and time.monotonic() < deadline:  # noqa: PLR2004 - JVMs
            time.sleep(0.5)
        local.stop()
        warm = []
        for _ in range(3):
            warm.append(_start())
            local.stop()
    best = min(warm)
    cluster.report(
        "start",
        ratio=round(best / cold, 3),
        cold_seconds=round(cold, 2),
        warm_seconds=[round(w, 2) for w in warm],
    )


def _start() -> float:
    began = time.perf_counter()
    local.start()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
