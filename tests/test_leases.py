"""Leases are files: whole at any moment, gone with their process's end, found after its death."""

import json
import os
import stat
import subprocess
import sys
import threading
import time

import psutil
import pytest

from streammagic import leases
from streammagic.leases import Held, Lease

GATEWAY = "http://127.0.0.1:8083/v4"
REST = "http://127.0.0.1:8081"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STREAMMAGIC_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    if Lease._mine is not None:
        Lease._mine.close()


def python(code, **how):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **how)


def test_home_is_private(home):
    assert leases.home() == home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_what_is_held_is_on_disk_until_released():
    lease = Lease.open()
    lease.hold("session", GATEWAY + "/", "s1")
    lease.hold("job", REST, "j1")
    (record,) = leases.leases()
    assert (record.pid, record.alive) == (os.getpid(), True)
    assert record.held == (Held("session", GATEWAY, "s1"), Held("job", REST, "j1"))
    lease.release("job", REST, "j1")
    lease.release("job", REST, "never held")
    assert leases.leases()[0].held == (Held("session", GATEWAY, "s1"),)
    assert lease.held() == [Held("session", GATEWAY, "s1")]


def test_the_file_is_private_and_carries_pid_and_start():
    Lease.open()
    (record,) = leases.leases()
    assert stat.S_IMODE(record.path.stat().st_mode) == 0o600
    assert record.path.name.startswith(f"{os.getpid()}-{psutil.Process().create_time():.2f}")


def test_close_removes_the_file_and_open_starts_anew():
    Lease.open().hold("job", REST, "j")
    Lease.open().close()
    assert leases.leases() == []
    assert Lease.open().held() == []
    assert len(leases.leases()) == 1


def test_one_lease_for_all_threads():
    found = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(Lease.open().hold("job", REST, f"j{n}")))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (record,) = leases.leases()
    assert len(record.held) == 20


def test_a_forked_child_has_its_own():
    Lease.open().hold("job", REST, "the parent's")
    child = os.fork()
    if child == 0:
        Lease.open().hold("job", REST, "the child's")
        os._exit(0 if len(leases.leases()) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    dead, mine = sorted(leases.leases(), key=lambda record: record.alive)
    assert not dead.alive
    assert dead.held == (Held("job", REST, "the child's"),)
    assert mine.held == (Held("job", REST, "the parent's"),)


def test_a_killed_process_leaves_a_dead_lease_with_all_it_held():
    process = python(
        "from streammagic.leases import Lease; import time\n"
        f"Lease.open().hold('job', {REST!r}, 'j')\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with process:
        assert process.stdout.readline() == "held\n"
        assert leases.leases()[0].alive
        process.kill()
    (record,) = leases.leases()
    assert not record.alive
    assert record.held == (Held("job", REST, "j"),)


def test_an_ordinary_end_leaves_nothing_where_nothing_is_held():
    code = (
        "from streammagic.leases import Lease\n"
        f"l = Lease.open(); l.hold('job', {REST!r}, 'j'); l.release('job', {REST!r}, 'j')"
    )
    with python(code) as process:
        assert process.wait(30) == 0
    assert leases.leases() == []


def test_a_pid_used_again_is_not_the_same_process():
    now = psutil.Process().create_time()
    assert leases.is_same_process(os.getpid(), now)
    assert not leases.is_same_process(os.getpid(), now - 3600)


def test_a_clock_that_was_set_does_not_kill_anybody():
    now, boot = psutil.Process().create_time(), psutil.boot_time()
    assert leases.is_same_process(os.getpid(), now - 3600, boot - 3600)


def test_foreign_files_are_skipped(home):
    Lease.open()
    for name, text in {
        "a.json": "",
        "b.json": "{}",
        "c.json": json.dumps({"pid": 1, "created": "x"}),
    }.items():
        (home / "leases" / name).write_text(text)
    assert [record.pid for record in leases.leases()] == [os.getpid()]


def test_holding_and_releasing_take_well_under_a_millisecond():
    lease = Lease.open()
    times = []
    for n in range(300):
        began = time.perf_counter()
        lease.hold("job", REST, f"{n}")
        lease.release("job", REST, f"{n}")
        times.append(time.perf_counter() - began)
    assert sorted(times)[150] < 0.002  # of the two together
