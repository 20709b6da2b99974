"""``%stream jobs`` with 50 running jobs, against one bare look at ``/jobs/overview``.

``python -m benchmarks.listing [JOBS] [PAIRS]``; milliseconds; ``ratio`` is the median of the pairs' ratios.
The jobs carry labels as deployments do, and are in no ledger.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import requests

from benchmarks import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

_SETTLED = 15.0
SOURCE = "CREATE TABLE trickle (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"
SINK = "CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')"


def main(count: int = 50, pairs: int = 30) -> None:
    found = cluster.start()
    shell = cluster.shell()
    with requests.Session() as http:
        base = f"{found.gateway}/v3/sessions"
        session = f"{base}/{http.post(base, json={}).json()['sessionHandle']}/statements"
        for ddl in (SOURCE, SINK):
            http.post(session, json={"statement": ddl})
        ids = [uuid.uuid4().hex for _ in range(count)]
        for at, job_id in enumerate(ids):
            labels = {"streammagic.name": f"job{at:02}", "streammagic.version": "1"}
            config = {
                "$internal.pipeline.job-id": job_id,
                "pipeline.global-job-parameters": json.dumps(labels),
            }
            insert = {"statement": "INSERT INTO nowhere SELECT n FROM trickle", "executionConfig": config}
            http.post(session, json=insert)
        try:
            _until_all_run(http, found.rest, ids)
            bare, ours = _measure(http, found.rest, shell.run_line_magic, pairs)
        finally:
            for job_id in ids:
                http.patch(f"{found.rest}/jobs/{job_id}?mode=cancel")
    cluster.report(
        "listing",
        jobs=count,
        ratio=round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 2),
        overview_ms=round(1000 * statistics.median(bare), 1),
        ms=round(1000 * statistics.median(ours), 1),
    )
    shell.run_line_magic("unload_ext", "streammagic")


def _until_all_run(http: requests.Session, rest: str, ids: list[str]) -> None:
    """Wait until all tasks run, and have for so long that no restart can be unseen any more."""
    while True:
        jobs = [job for job in http.get(f"{rest}/jobs/overview").json()["jobs"] if job["jid"] in ids]
        quiet = [job["start-time"] + job["duration"] - job["last-modification"] for job in jobs]
        if len(jobs) == len(ids) and min(quiet) > 1000 * _SETTLED:
            return
        time.sleep(0.2)


def _measure(
    http: requests.Session, rest: str, run: Callable[..., Any], pairs: int
) -> tuple[list[float], list[float]]:
    """Return the seconds of each bare look and of each list, after two that ask for the labels."""
    bare, ours = [], []
    for pair in range(-2, pairs):
        began = time.perf_counter()
        http.get(f"{rest}/jobs/overview").json()
        between = time.perf_counter()
        run("stream", "jobs")
        if pair >= 0:
            bare.append(between - began)
            ours.append(time.perf_counter() - between)
    return bare, ours


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
