"""What the JobManager tells about real jobs: labels, figures, diagnoses, logs."""

import json
import uuid
from pathlib import Path

import pytest
import requests
from waiting import eventually

from streammagic.engines.base import Settings
from streammagic.engines.flink.jobmanager import JobManager
from streammagic.engines.flink.monitor import Monitor
from streammagic.engines.jobs import Bundle, SinkRequest
from streammagic.errors import JobFailedError

pytestmark = pytest.mark.flink

DATAGEN = (
    "WITH ('connector' = 'datagen', 'rows-per-second' = '{}', 'fields.k.min' = '0', 'fields.k.max' = '3')"
)
CLICKS = f"CREATE TABLE clicks (n BIGINT, k INT, word STRING) {DATAGEN.format(20)}"
FLOOD = f"CREATE TABLE flood (n BIGINT, k INT) {DATAGEN.format(20_000)}"
TIMED = "CREATE TABLE timed (k INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND) "
AGED = "CREATE TABLE aged (k INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS TIMESTAMP '2020-01-01 00:00:00') "
TABLES = (
    CLICKS,
    FLOOD,
    TIMED + DATAGEN.format(20),
    AGED + DATAGEN.format(20),
    "CREATE TABLE hole (k INT, n BIGINT) WITH ('connector' = 'blackhole')",
    "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'blackhole')",
    "CREATE TABLE printed (k INT) WITH ('connector' = 'print')",
    "CREATE TABLE texts (w STRING) WITH ('connector' = 'blackhole')",
    "CREATE TABLE windowed (t TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole')",
)
COUNT = "INSERT INTO hole SELECT k, COUNT(*) FROM clicks GROUP BY k"
BROKEN = "INSERT INTO numbers SELECT CAST(word AS INT) FROM clicks"
WINDOW = (
    "INSERT INTO windowed SELECT window_end, COUNT(*) FROM "
    "TABLE(TUMBLE(TABLE {}, DESCRIPTOR(`at`), INTERVAL '1' SECOND)) GROUP BY window_start, window_end"
)
SLOW = (
    "INSERT INTO texts SELECT SHA512(REGEXP_REPLACE(REPEAT(CAST(c AS STRING), 300), '1.*?3', 'xx')) "
    "FROM (SELECT k, COUNT(*) c FROM flood GROUP BY k)"
)


class Gateway:
    """Sends statements without anything of ours, as another client would."""

    def __init__(self, url):
        self._url = f"{url}/v3/sessions"
        self._session = self._post(self._url, {})["sessionHandle"]

    @staticmethod
    def _post(url, body):
        answer = requests.post(url, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def run(self, sql, config=None):
        url = f"{self._url}/{self._session}"
        body = {"statement": sql, "executionConfig": config or {}}
        operation = self._post(f"{url}/statements", body)["operationHandle"]
        result = f"{url}/operations/{operation}/result/0?rowFormat=JSON"
        answer = eventually(
            lambda: (
                found
                if (found := requests.get(result, timeout=60).json()).get("resultType") != "NOT_READY"
                else None
            ),
            60,
            sql,
        )
        assert "errors" not in answer, answer["errors"][-1][-2000:]
        return answer

    def close(self):
        requests.delete(f"{self._url}/{self._session}", timeout=60)


@pytest.fixture(scope="module")
def jobmanager(cluster):
    jobmanager = JobManager(cluster.rest, Settings(urls={}))
    yield jobmanager
    jobmanager.close()


@pytest.fixture
def monitor(jobmanager, cluster):
    return Monitor(jobmanager, Path(cluster.started.log_dir))


@pytest.fixture(scope="module")
def gateway(cluster):
    gateway = Gateway(cluster.gateway)
    for table in TABLES:
        gateway.run(table)
    yield gateway
    gateway.close()


@pytest.fixture
def send(gateway, jobmanager):
    """``send(insert, name=None, **settings)`` starts a job and returns its id; it is ended afterwards."""
    sent = []

    def send(insert, name="job", labels=None, **settings):
        job_id = uuid.uuid4().hex
        config = {"$internal.pipeline.job-id": job_id, "pipeline.name": name}
        config["execution.checkpointing.interval"] = "1 s"
        if labels is not None:
            config["pipeline.global-job-parameters"] = json.dumps(labels)
        config |= {key.replace("_", "."): value for key, value in settings.items()}
        sent.append(job_id)
        gateway.run(insert, {key: value for key, value in config.items() if value is not None})
        return job_id

    yield send
    for job_id in sent:
        jobmanager.end(job_id, seconds=30)


def until_all_run(monitor, job_id):
    eventually(lambda: monitor.job(job_id).all_run, 30, "all tasks run")


def finding(monitor, job_id, what):
    return next(found for found in monitor.diagnose(job_id) if found.what == what)


def figures(monitor, job_id, condition, seconds=90):
    """Wait for figures: Flink fetches them every ten seconds."""

    def read():
        found = monitor.figures([job_id])[job_id]
        return found if condition(found) else None

    return eventually(read, seconds, "the figures are there")


def test_a_job_as_it_is_listed(monitor, send):
    job_id = send(COUNT, "counts")
    until_all_run(monitor, job_id)
    job = monitor.job(job_id)
    assert (job.id, job.title, job.state, job.ended) == (job_id, "counts", "RUNNING", None)
    assert job.tasks["running"] == job.tasks["total"] == 2
    assert job_id in [job.id for job in monitor.jobs()]
    assert monitor.job("0" * 32) is None


def test_labels_come_back_as_they_were_sent(monitor, send, jobmanager):
    bundle = Bundle(
        engine="flink",
        statement="SELECT 'it''s, {a: \"b\"}'\n-- ünï: 日本",
        settings={"a": "b, c: d"},
        sink=SinkRequest(connector="kafka"),
    )
    sent = {
        "streammagic.name": "my, name: x",
        "streammagic.version": "12",
        "streammagic.sha": bundle.sha,
        "streammagic.owner": "me@host",
        "streammagic.bundle": bundle.packed(),
    }
    labelled, bare = send(COUNT, labels=sent), send(COUNT)
    found = monitor.labels([labelled, bare, "0" * 32])
    assert set(found) == {labelled}
    labels = found[labelled]
    assert (labels.name, labels.version, labels.sha) == ("my, name: x", 12, bundle.sha)
    assert (labels.owner, labels.bundle) == ("me@host", bundle)
    jobmanager_get, jobmanager.get = jobmanager.get, None  # no second request, also for the one without
    try:
        assert monitor.labels([labelled, bare]) == found
    finally:
        jobmanager.get = jobmanager_get


def test_figures_of_what_flows(monitor, send):
    job_id = send(COUNT)
    found = figures(monitor, job_id, lambda f: f.rows_in and f.checkpointed)
    assert found.rows_in == pytest.approx(20, abs=7)
    assert found.rows_out == pytest.approx(20, abs=10)  # of the updates, none is left out
    assert (found.restarts, found.lag, found.sinks) == (0, None, ("hole",))
    assert found.backpressure < 0.2


def test_figures_where_source_and_sink_are_one_vertex(monitor, send):
    job_id = send("INSERT INTO printed SELECT k FROM clicks WHERE k < 2")
    found = figures(monitor, job_id, lambda f: f.rows_in)
    assert found.rows_in == pytest.approx(20, abs=7)
    assert 3 < found.rows_out < 17
    assert found.sinks == ("printed",)


def test_figures_of_several_sinks(monitor, send):
    job_id = send(
        "EXECUTE STATEMENT SET BEGIN INSERT INTO printed SELECT k FROM clicks; "
        "INSERT INTO numbers SELECT n FROM clicks; END"
    )
    found = figures(monitor, job_id, lambda f: f.rows_in)
    assert set(found.sinks) == {"printed", "numbers"}
    assert found.rows_out == pytest.approx(2 * found.rows_in, rel=0.3)


def test_a_healthy_job(monitor, send):
    job_id = send(COUNT)
    eventually(lambda: finding(monitor, job_id, "source").verdict == "healthy", 40, "rows come in")
    found = {found.what: found for found in monitor.diagnose(job_id)}
    assert {name: finding.verdict for name, finding in found.items()} == dict.fromkeys(
        (
            "state",
            "failures",
            "restarts",
            "slots",
            "TaskManagers",
            "checkpoints",
            "backpressure",
            "source",
        ),
        "healthy",
    ) | {"event time": "not assessed"}
    assert found["event time"].evidence == "the job has no watermarks"
    assert monitor.failure(job_id) is None


def test_a_job_that_fails_again_and_again(monitor, send):
    job_id = send(BROKEN, "broken")
    eventually(lambda: finding(monitor, job_id, "restarts").verdict == "failing", 30, "it restarts")
    assert finding(monitor, job_id, "failures").verdict == "failing"
    assert "is no number" in finding(monitor, job_id, "failures").evidence
    error = monitor.failure(job_id)
    assert isinstance(error, JobFailedError)
    assert "is no number" in error.message
    assert "NumberFormatException" in error.details
    assert figures(monitor, job_id, lambda f: f.restarts).restarts >= 1

    def restarts():
        assert job_id in [job.id for job in monitor.jobs()]
        return monitor.restarts([job_id]).get(job_id)

    eventually(restarts, 40, "the restarts are counted")


def test_a_job_that_has_failed(monitor, send):
    job_id = send(BROKEN, restart_strategy_type=None, **{"restart-strategy.type": "none"})
    eventually(lambda: monitor.job(job_id).state == "FAILED", 30, "it fails")
    assert "is no number" in monitor.failure(job_id).message
    assert {found.what for found in monitor.diagnose(job_id)} == {"state", "failures", "restarts"}
    assert finding(monitor, job_id, "state").verdict == "failing"
    assert monitor.figures([job_id])[job_id].rows_in is None


def test_a_job_that_finds_no_slots(monitor, send, jobmanager):
    slots = jobmanager.get("/overview")["slots-total"]
    job_id = send(
        "INSERT INTO numbers SELECT n FROM clicks",
        **{"table.exec.resource.default-parallelism": str(slots + 3)},
    )
    found = eventually(
        lambda: slots if (slots := finding(monitor, job_id, "slots")).verdict == "failing" else None,
        30,
        "slots are missing",
    )
    assert found.evidence.startswith(f"0 of {slots} are free")
    assert not monitor.job(job_id).all_run


def test_the_vertex_that_holds_up_the_others_is_named(monitor, send):
    job_id = send(SLOW)
    found = eventually(
        lambda: (
            pressure if (pressure := finding(monitor, job_id, "backpressure")).verdict == "degraded" else None
        ),
        60,
        "there is backpressure",
    )
    assert "Source: flood" in found.evidence
    assert "the slow one is GroupAggregate" in found.evidence


def test_event_time_that_goes_on(monitor, send):
    job_id = send(WINDOW.format("timed"))
    found = eventually(
        lambda: found if (found := finding(monitor, job_id, "event time")).verdict == "healthy" else None,
        40,
        "there is a watermark",
    )
    assert "behind the clock" in found.evidence


def test_event_time_that_stays(monitor, send):
    job_id = send(WINDOW.format("aged"))
    found = eventually(
        lambda: found if (found := finding(monitor, job_id, "event time")).verdict == "degraded" else None,
        60,
        "the watermark is there",
    )
    assert found.evidence.startswith("the watermark stays at 2020-01-01 00:00:00 UTC")


def test_checkpoints_that_are_off(monitor, send):
    job_id = send(COUNT, **{"execution.checkpointing.interval": None})
    until_all_run(monitor, job_id)
    assert finding(monitor, job_id, "checkpoints").verdict == "degraded"


def test_an_unknown_job(monitor):
    unknown = uuid.uuid4().hex
    assert [found.verdict for found in monitor.diagnose(unknown)] == ["failing"]
    assert monitor.figures([unknown]) == {}
    assert monitor.failure(unknown) is None
    assert monitor.plan(unknown) == ""
    assert len(monitor.logs(unknown, 10)) == 1


def test_logs_have_the_stack_of_what_failed(monitor, send):
    job_id = send(BROKEN, "broken")
    eventually(lambda: monitor.failure(job_id), 30, "it fails")
    lines = eventually(
        lambda: (
            (
                found
                if any("NumberFormatException" in line for line in found)
                and any(line.startswith("\tat ") for line in found)
                else None
            )
            if (found := monitor.logs(job_id, 200))
            else None
        ),
        20,
        "the failure is in the log",
    )
    assert any(job_id in line for line in lines)


def test_logs_elsewhere_are_an_address(jobmanager, cluster):
    (line,) = Monitor(jobmanager).logs("0" * 32, 10)
    assert f"{cluster.rest}/#/job/running/{'0' * 32}" in line


def test_the_plan(monitor, send):
    job_id = send(COUNT)
    until_all_run(monitor, job_id)
    first, second = eventually(
        lambda: plan if "running" in (plan := monitor.plan(job_id)) else None, 5, "it is there"
    ).splitlines()
    assert first.startswith("Source: clicks")
    assert second.startswith("→ GroupAggregate")
