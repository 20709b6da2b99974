"""Seconds from a deploy to the moment that all its tasks run, against the same statements by bare requests."""

from __future__ import annotations

import statistics
import time
import uuid
from typing import TYPE_CHECKING, Any

import requests

from benchmarks import cluster

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SOURCE = "CREATE TABLE src (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"
SINK = "CREATE TABLE nowhere (k INT) WITH ('connector' = 'blackhole')"
INSERT = "INSERT INTO nowhere SELECT k FROM src"


def main(pairs: int = 15) -> None:
    found = cluster.start()
    shell = cluster.shell()
    ours, bare = [], []
    for number in range(pairs + 1):
        bare.append(_bare(found.gateway, found.rest))
        ours.append(_ours(shell, found.rest, f"bench_{number}"))
    seconds, bare_seconds = statistics.median(ours[1:]), statistics.median(bare[1:])
    cluster.report(
        "deploy",
        ratio=round(seconds / bare_seconds, 2),
        seconds=round(seconds, 3),
        bare_seconds=round(bare_seconds, 3),
    )
    shell.run_line_magic("unload_ext", "streammagic")


def _ours(shell: InteractiveShell, rest: str, name: str) -> float:
    began = time.perf_counter()
    _deploy(shell, name)
    _until_running(rest, name)
    taken = time.perf_counter() - began
    shell.run_line_magic("stream", f"delete {name}")
    return taken


def _deploy(shell: InteractiveShell, name: str) -> None:
    shell.run_cell_magic("stream", f"deploy {name} --settle 0", f"{SOURCE};\n{SINK};\n{INSERT}")


def _bare(gateway: str, rest: str) -> float:
    """Do the same by bare requests: two definitions, one INSERT, and polls until all tasks run."""
    name = f"bare_{uuid.uuid4().hex[:8]}"
    with requests.Session() as http:
        began = time.perf_counter()
        session = http.post(f"{gateway}/v3/sessions", json={}).json()["sessionHandle"]
        base = f"{gateway}/v3/sessions/{session}"
        config = {"execution.checkpointing.interval": "10 s", "pipeline.name": name}
        for sql in (SOURCE, SINK, INSERT):
            body: dict[str, Any] = {"statement": sql}
            if sql is INSERT:
                body["executionConfig"] = config
            operation = http.post(f"{base}/statements", json=body).json()["operationHandle"]
            while True:
                page = http.get(f"{base}/operations/{operation}/result/0?rowFormat=JSON").json()
                if page["resultType"] != "NOT_READY":
                    break
                time.sleep(0.005)
        _until_running(rest, name)
        taken = time.perf_counter() - began
        http.delete(base)
        job = next(j["jid"] for j in http.get(f"{rest}/jobs/overview").json()["jobs"] if j["name"] == name)
        http.patch(f"{rest}/jobs/{job}?mode=cancel")
    return taken


def _until_running(rest: str, name: str) -> None:
    with requests.Session() as http:
        while True:
            for job in http.get(f"{rest}/jobs/overview").json()["jobs"]:
                tasks = job["tasks"]
                if job["name"] == name and job["state"] == "RUNNING" and tasks["running"] == tasks["total"]:
                    return
            time.sleep(0.005)


if __name__ == "__main__":
    main()
