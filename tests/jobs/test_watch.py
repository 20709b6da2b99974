"""What is told of jobs that are watched, and what is called."""

import os
import sys
import threading

import pytest
from waiting import eventually

from streammagic.errors import ConnectionFailedError, OptionError
from streammagic.jobs.watch import Happening, Look, Loop, Observer, Watcher, command_hook, stop_all


@pytest.fixture(autouse=True)
def nothing_goes_on():
    yield
    stop_all()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("streammagic")]


def seen(*looks):
    """Return the events of a series of looks."""
    observer = Observer("orders")
    return [happening.event for look in looks for happening in observer.see(look)]


def running(**figures):
    return Look(state="running", **figures)


def test_a_job_that_is_well_is_nothing_to_tell():
    assert seen(Look(state="starting"), running(), running(restarts=0), running(lag=5)) == []


def test_a_failure_is_told_once_and_so_is_its_end():
    assert seen(running(), Look(state="failed"), Look(state="failed"), running(), running()) == [
        "failed",
        "running",
    ]


def test_a_job_that_is_down_already_is_told():
    assert seen(Look(state="lost")) == ["failed"]
    assert seen(Look(state="stopped")) == []


def test_a_deliberate_end_is_told():
    assert seen(running(), Look(state="stopped")) == ["ended"]


def test_each_restart_is_told_once_however_it_is_noticed():
    assert seen(running(restarts=0), running(restarts=1), running(restarts=1), running(restarts=3)) == [
        "restarted",
        "restarted",
    ]
    by_state_first = seen(
        running(restarts=0),
        Look(state="restarting", restarts=0),
        Look(state="restarting", restarts=1),
        running(restarts=1),
        running(restarts=2),
    )
    assert by_state_first == ["restarted", "running", "restarted"]


def test_restarts_of_long_ago_are_not_told():
    assert seen(running(restarts=7), running(restarts=7)) == []


def test_another_job_under_the_name_begins_to_count_anew():
    assert seen(running(restarts=7), running(restarts=0), running(restarts=1)) == ["restarted"]


def test_growing_lag_is_told_once_until_it_is_gone():
    grows = [running(lag=lag) for lag in (100, 200, 300, 400, 500)]
    assert seen(*grows) == ["lagging"]
    assert seen(*grows, running(lag=50), *grows[1:]) == ["lagging", "lagging"]


def test_lag_that_comes_and_goes_is_not_told():
    assert seen(*[running(lag=lag) for lag in (100, 200, 150, 250, 100, 300)]) == []
    assert seen(*[running(lag=lag) for lag in (1, 2, 3, 4, 5)]) == []


class Recorder:
    def __init__(self):
        self.told = []
        self.called = []

    def tell(self, happening):
        self.told.append(happening)

    def hook(self, name, event, detail):
        self.called.append((name, event, detail))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def watch(recorder):
    """Watch a job whose looks are given in turn; the last one is what is seen from then on."""
    watchers = []

    def start(*looks, hook=recorder.hook):
        left = list(looks)

        def look(names):
            assert names == ["orders"]
            current = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(current, Exception):
                raise current
            return {"orders": current}

        watcher = Watcher(["orders"], look, recorder.tell, every=0.01, on_failure=hook)
        watchers.append(watcher)
        watcher.start()
        return watcher

    yield start
    for watcher in watchers:
        watcher.stop()


def test_the_hook_is_called_for_alarms_only(watch, recorder):
    watch(running(), Look(state="failed", detail="why"), running())
    eventually(lambda: len(recorder.told) == 2, 5, "it is told")
    assert recorder.told == [
        Happening("orders", "failed", "why"),
        Happening("orders", "running", "it runs again"),
    ]
    assert recorder.called == [("orders", "failed", "why")]


def test_an_engine_out_of_reach_is_told_once(watch, recorder):
    watch(running(), ConnectionFailedError("gone"), ConnectionFailedError("gone"), running())
    eventually(lambda: len(recorder.told) == 2, 5, "it is told")
    assert [happening.event for happening in recorder.told] == ["not reached", "running"]


def test_a_hook_that_fails_is_told_and_watching_goes_on(watch, recorder):
    def broken(_name, _event, _detail):
        raise ValueError("no")

    watcher = watch(running(), Look(state="failed"), running(), hook=broken)
    eventually(lambda: len(recorder.told) == 3, 5, "it is told")
    assert recorder.told[1] == Happening("orders", "hook failed", "ValueError: no")
    assert watcher.runs


def test_stop_all_ends_every_watcher(watch):
    watchers = [watch(running()) for _ in range(3)]
    stop_all()
    assert not any(watcher.runs for watcher in watchers)


def test_a_command_gets_what_happened_in_its_environment(tmp_path):
    out = tmp_path / "out"
    script = tmp_path / "hook.py"
    script.write_text(
        "import os, pathlib, sys\n"
        "keys = ('STREAMMAGIC_JOB', 'STREAMMAGIC_EVENT', 'STREAMMAGIC_DETAIL')\n"
        "pathlib.Path(sys.argv[1]).write_text('|'.join(os.environ[k] for k in keys))\n"
    )
    hook = command_hook(f"{sys.executable} {script} '{out}'")
    hook("$(touch /tmp/oops); orders", "failed", "`id` \0 'quoted'")
    assert out.read_text() == "$(touch /tmp/oops); orders|failed|`id` \\0 'quoted'"


def test_a_command_is_no_shell_line(tmp_path):
    marker = tmp_path / "marker"
    command_hook(f"echo ; touch {marker}")("orders", "failed", "")
    assert not marker.exists()


def test_a_command_that_fails_says_so():
    with pytest.raises(OSError, match="ended with 3: no luck"):
        command_hook(f"{sys.executable} -c 'import sys; sys.stderr.write(\"no luck\"); sys.exit(3)'")(
            "a", "b", "c"
        )


@pytest.mark.parametrize("command", ["", "   ", "echo 'open"])
def test_what_is_no_command_is_refused_at_once(command):
    with pytest.raises(OptionError):
        command_hook(command)


def test_a_loop_ends_when_its_step_says_so():
    left = [True, True, False]
    loop = Loop(lambda: left.pop(0), 0.001, "test")
    loop.start()
    eventually(lambda: not loop.runs, 5, "it ends")
    assert left == []


def test_a_loop_survives_no_exception_and_leaves_nothing(caplog):
    loop = Loop(lambda: 1 / 0, 0.001, "test")
    loop.start()
    eventually(lambda: not loop.runs, 5, "it ends")
    eventually(lambda: "ZeroDivisionError" in caplog.text, 5, "it is logged")


def test_the_end_of_a_loop_is_told_however_it_comes():
    ended = []
    for step in (lambda: False, lambda: 1 / 0):
        Loop(step, 0.001, "test", lambda: ended.append("by itself")).start()
    eventually(lambda: ended == ["by itself"] * 2, 5, "they end")
    loop = Loop(lambda: True, 60.0, "test", lambda: ended.append("from elsewhere"))
    loop.start()
    stop_all()
    assert ended[2:] == ["from elsewhere"]


def test_soon_does_not_wait_for_the_next_turn():
    steps = threading.Semaphore(0)

    def step():
        steps.release()
        return True

    loop = Loop(step, 60.0, "test")
    loop.start()
    assert steps.acquire(timeout=5)
    loop.soon()
    assert steps.acquire(timeout=5)
    loop.stop()


def test_the_environment_of_this_process_is_left_alone():
    command_hook("true")("orders", "failed", "")
    assert "STREAMMAGIC_JOB" not in os.environ
