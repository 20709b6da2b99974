"""A deployment from its first row to its last trace, over the death of the kernel that made it."""

import json
from collections import Counter

import psutil
import pytest
from real_kernel import Kernel
from waiting import eventually

from streammagic import local
from streammagic.topics.broker import Broker
from streammagic.topics.reading import peek

pytestmark = [pytest.mark.kernel, pytest.mark.flink, pytest.mark.kafka]

ORDERS = """%%flink
CREATE TABLE orders (id BIGINT, customer STRING NOT NULL, at_time TIMESTAMP(3), WATERMARK FOR at_time AS at_time)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = {{ kafka }},
      'properties.group.id' = 'story', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '300',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '3000')"""

FEED = """%%stream deploy feed --exactly-once --settle 0.2 --set 'execution.checkpointing.interval=500 ms'
INSERT INTO orders SELECT n, CASE MOD(n, 2) WHEN 0 THEN 'Ada' ELSE 'Bob' END,
  TIMESTAMPADD(SECOND, CAST(n AS INT), TIMESTAMP '2026-01-01 00:00:00') FROM numbers"""

WINDOWS = """%%stream deploy windows --settle 0.2{}
SELECT window_end, customer, COUNT(*) AS c{}
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at_time), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, customer"""


def said(cell):
    """Return what a cell has shown; fail for one that raised."""
    assert cell.reply["status"] == "ok", cell.reply
    return cell.text


def test_a_deployment_outlives_its_kernel_and_leaves_nothing_in_the_end(cluster, kafka):
    before, saved = set(psutil.pids()), savepoints(cluster)
    broker = Broker(kafka)
    one = Kernel(cluster.environment)
    try:
        said(one.run("%load_ext streammagic"))
        said(one.run(ORDERS))
        assert "feed: running" in said(one.run(FEED))
        assert "windows: running" in said(one.run(WINDOWS.format("", "")))
    finally:
        one.manager.shutdown_kernel(now=True)  # SIGKILL
        one.client.stop_channels()

    two = Kernel(cluster.environment)
    try:
        said(two.run("%load_ext streammagic"))
        jobs = said(two.run("listed = %stream jobs", allow_stdin=False))
        assert "feed" in jobs
        assert "windows" in jobs
        assert "windows: attached (version 1, running)" in said(two.run("%stream attach windows"))
        said(two.run(ORDERS))
        changed = (", CAST(COUNT(*) AS STRING) AS text", " --replace")
        plan = said(two.run(WINDOWS.format(" --dry-run", changed[0])))
        assert "windows: version 1 → 2" in plan
        assert "windows: running (version 2)" in said(two.run(WINDOWS.format(changed[1], changed[0])))
        assert "stopped with a savepoint" in said(two.run("%stream stop feed"))
        assert "feed: finished" in said(two.run("%stream deploy feed --resume --wait"))
        assert "from its last state" in said(two.run("%stream stop windows\n%stream deploy windows --resume"))
        two.run(
            "%%flink -o counted --wait --limit 8 --view none\nSELECT window_end, customer, c FROM windows"
        )
        counts = json.loads(two.run("print(counted.df.c.tolist())").outputs("stream")[0]["text"])
        # 10 minutes hold 600 orders, the first one 599: none was counted twice, none was lost
        assert Counter(counts) == Counter([299, 300] + [300] * 6)
        records = peek(broker, "orders", start="earliest", limit=10_000)
        assert [json.loads(record.value)["id"] for record in records] == list(range(1, 3001))

        assert "deleted" in said(two.run("%stream delete windows feed --topics"))
        said(two.run("%stream cleanup --yes"))
        assert said(two.run("%stream cleanup")) == "nothing is left over"
    finally:
        two.close()

    cluster.wait_until_idle()
    assert {name for name in broker.names() if not name.startswith("__")} == set()
    assert [group.name for group in broker.groups()] == []
    ours = set(local.status().pids.values())
    eventually(
        lambda: not [p for p in set(psutil.pids()) - before - ours if is_kernel(p)], 10, "no kernel is left"
    )
    assert savepoints(cluster) == saved


def savepoints(cluster):
    return set((cluster.home / "local" / "savepoints").glob("*"))


def is_kernel(pid):
    try:
        return "ipykernel_launcher" in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False
