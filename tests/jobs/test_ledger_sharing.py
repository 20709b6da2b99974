"""Many kernels, each with several threads, use the ledger at once; only one changes a deployment."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from waiting import eventually

from streammagic.errors import DeploymentBusyError, LedgerError
from streammagic.jobs import ledger_claims
from streammagic.jobs.ledger import Ledger

PREAMBLE = """
import os, sys
from streammagic.engines.jobs import Bundle
from streammagic.errors import DeploymentBusyError
from streammagic.jobs.ledger import Ledger
ledger = Ledger.open()
def told(word):
    print(word, flush=True)
"""


@pytest.fixture
def process(ledger):
    """Start Python with a ledger open; what is written to its standard input lets it go on."""
    assert ledger.notes == ()
    begun = []

    def start(code):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen([sys.executable, "-c", PREAMBLE + code], **pipes))
        return begun[-1]

    yield start
    for one in begun:
        one.kill()
        one.communicate()


CLAIM = """
with ledger.claim("local", "orders", "deployed", "02_persistent.ipynb"):
    told("claimed")
    sys.stdin.readline()
told("released")
"""


def claim(ledger, notebook="b.ipynb"):
    return ledger.claim("local", "orders", "stopped", notebook)


def is_free(ledger):
    try:
        with claim(ledger):
            return True
    except DeploymentBusyError:
        return False


def test_a_claim_of_another_process_is_refused_at_once_with_its_name(ledger, process, bundle):
    ledger.add_version("local", "orders", bundle, "")
    run = ledger.begin_run("local", "orders", 1, 1, "a" * 32)
    other = process(CLAIM)
    assert other.stdout.readline() == "claimed\n"
    began = time.monotonic()
    with pytest.raises(DeploymentBusyError) as refused, claim(ledger):
        pytest.fail("claimed twice")
    assert time.monotonic() - began < 1
    assert re.fullmatch(
        r"orders is being deployed by another notebook \(02_persistent\.ipynb, process "
        rf"{other.pid}, since \d s\)\.",
        refused.value.message,
    )
    assert "interrupt it there" in refused.value.hint
    with ledger.claim("local", "payments", "deployed", ""), ledger.claim("there", "orders", "deployed", ""):
        pass  # others are free
    ledger.set_run(run.job_id, "lost")
    assert ledger.history()[-1].notebook == ""  # it was not that notebook which said so
    other.stdin.write("\n")
    other.stdin.flush()
    assert other.stdout.readline() == "released\n"
    assert is_free(ledger)


def test_of_processes_that_claim_at_the_same_moment_one_gets_it(ledger, process):
    code = """
told("ready")
sys.stdin.readline()
try:
    with ledger.claim("local", "orders", "deployed", ""):
        told("claimed")
        sys.stdin.readline()
except DeploymentBusyError:
    told("busy")
"""
    racers = [process(code) for _ in range(4)]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 4
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline() for racer in racers]
    assert sorted(answers) == ["busy\n"] * 3 + ["claimed\n"]
    assert not is_free(ledger)


def test_a_claim_of_a_killed_process_is_taken_over(ledger, process):
    other = process(CLAIM)
    assert other.stdout.readline() == "claimed\n"
    assert not is_free(ledger)
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert is_free(ledger)
    (taken,) = ledger.history()
    assert (taken.what, taken.notebook) == ("taken over", "b.ipynb")
    assert taken.detail == f"process {other.pid} died while it was being deployed"


def test_a_claim_of_a_process_whose_number_is_used_again_is_taken_over(ledger):
    mine = psutil.Process()
    for pid, created in ((os.getppid(), mine.create_time() - 3600), (os.getpid(), mine.create_time())):
        with ledger._file.transaction("IMMEDIATE") as connection:
            row = ("local", "orders", "t", pid, created, psutil.boot_time(), "deployed", "", time.time())
            connection.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        assert is_free(ledger)


def test_another_thread_or_ledger_of_this_process_is_refused_too(ledger):
    again = Ledger.open()
    with claim(ledger), ThreadPoolExecutor(1) as pool:
        assert not pool.submit(is_free, ledger).result(10)
        assert not is_free(again)
        with pytest.raises(
            DeploymentBusyError, match=r"being stopped by this notebook already \(since 0 s\)"
        ):
            claim(again).__enter__()
    assert is_free(again)
    again.close()


def test_minutes_are_told_as_such(ledger, monkeypatch):
    with claim(ledger):
        later = time.time() + 200
        monkeypatch.setattr(ledger_claims.time, "time", lambda: later)
        with pytest.raises(DeploymentBusyError, match=r"since 3 min\)"):
            claim(ledger).__enter__()


@pytest.mark.parametrize("failure", [ValueError, LedgerError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_claim_is_given_back_on_every_path(ledger, failure):
    with pytest.raises(failure), claim(ledger):
        raise failure("in the middle")
    assert is_free(ledger)
    assert not ledger_claims._tokens


def test_an_interrupt_while_it_is_given_back_does_not_keep_it(ledger, monkeypatch):
    release, calls = ledger_claims.release, []

    def interrupted(connection, token):
        calls.append(token)
        if len(calls) == 1:
            raise KeyboardInterrupt
        release(connection, token)

    monkeypatch.setattr(ledger_claims, "release", interrupted)
    with pytest.raises(KeyboardInterrupt), claim(ledger):
        pass
    with ledger._file.transaction("DEFERRED") as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)


def test_a_claim_that_could_not_be_given_back_is_free_here_and_the_failure_is_told(ledger, monkeypatch):
    def full(*_):
        raise LedgerError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(ledger_claims, "release", full)
        with pytest.raises(LedgerError, match="disk"), claim(ledger):
            pass
        with pytest.raises(ValueError, match="the first"), claim(ledger):
            raise ValueError("the first failure is the one that counts")
    assert is_free(ledger)


def is_sound(ledger):
    with ledger._file.transaction("DEFERRED") as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


RUNS = 200
WRITE = f"""
def write(ledger, name):
    ledger.add_version("local", name, Bundle(engine="flink", statement="SELECT 1"), name)
    for attempt in range(1, {RUNS} + 1):
        run = ledger.begin_run("local", name, 1, attempt, f"{{name}} {{attempt}}")
        ledger.set_run(run.job_id, "running")
"""


def test_threads_and_processes_write_at_once_and_nothing_is_lost(ledger, process):
    own = {}
    exec(PREAMBLE.replace("ledger = Ledger.open()", "") + WRITE, own)  # noqa: S102 - ours
    others = [
        process(f'{WRITE}\ntold("ready")\nsys.stdin.readline()\nwrite(ledger, "process {n}")\ntold("done")')
        for n in range(4)
    ]
    assert [other.stdout.readline() for other in others] == ["ready\n"] * 4
    threads = [threading.Thread(target=own["write"], args=(ledger, f"thread {n}")) for n in range(8)]
    for other in others:
        other.stdin.write("\n")
        other.stdin.flush()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.stdout.readline() for other in others] == ["done\n"] * 4
    found = ledger.deployments()
    assert len(found) == 12
    for deployment in found:
        assert [run.attempt for run in deployment.runs] == list(range(1, RUNS + 1))
        assert {run.state for run in deployment.runs} == {"running"}
        assert len(ledger.history(name=deployment.name, limit=10_000)) == 1 + 2 * RUNS


def test_what_a_process_wrote_before_it_was_killed_is_there(ledger, process):
    code = """
ledger.add_version("local", "orders", Bundle(engine="flink", statement="SELECT 1"), "")
for attempt in range(1, 1_000_000):
    ledger.begin_run("local", "orders", 1, attempt, str(attempt))
    told(attempt)
"""
    other = process(code)
    for _ in range(100):
        told = int(other.stdout.readline())
    other.kill()
    told = max([told, *map(int, other.stdout.read().split())])
    attempts = [run.attempt for run in ledger.deployment("local", "orders").runs]
    assert attempts in (list(range(1, told + 1)), list(range(1, told + 2)))
    assert is_sound(ledger)
    ledger.begin_run("local", "orders", 1, len(attempts) + 1, "b" * 32)


def test_a_wait_for_another_writer_can_be_interrupted(ledger):
    other = Ledger.open()
    with other._file.transaction("IMMEDIATE"):
        timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ledger.record("local", "orders", "noted")
        assert time.monotonic() - began < 3
        timer.join()
    other.close()
    ledger.record("local", "orders", "noted")
    assert len(ledger.history()) == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_may_fork_while_its_threads_write(ledger, bundle):
    ledger.add_version("local", "of the parent", bundle, "")
    done = threading.Event()

    def write():
        while not done.is_set():
            ledger.record("local", "of the parent", "noted")

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    children = [fork_and(lambda n=n: in_the_child(ledger, f"child {n}", bundle)) for n in range(5)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    done.set()
    for thread in threads:
        thread.join()
    assert codes == [0] * 5
    assert [found.name for found in ledger.deployments()] == [f"child {n}" for n in range(5)] + [
        "of the parent"
    ]
    assert is_sound(ledger)


def in_the_child(ledger, name, bundle):
    assert ledger._file._connection is None
    ledger.add_version("local", name, bundle, "")


def fork_and(do):
    """Fork a child that does something and ends, with 0 if it went well; return its pid."""
    child = os.fork()
    if child:
        return child
    try:
        do()
        os._exit(0)
    finally:
        os._exit(1)


def test_readers_do_not_wait_for_a_writer(ledger, bundle):
    ledger.add_version("local", "orders", bundle, "")
    reader = Ledger.open()
    with ledger._file.transaction("IMMEDIATE") as connection:
        connection.execute("DELETE FROM deployments")
        began = time.monotonic()
        assert [found.name for found in reader.deployments()] == ["orders"]
        assert time.monotonic() - began < 0.2
    reader.close()
    eventually(lambda: not ledger.deployments(), 1, "the writer's change counts")
