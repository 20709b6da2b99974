"""A hundred queries interrupted at random moments leave nothing behind."""

import contextlib
import random
import signal
import threading

import pytest

pytestmark = pytest.mark.flink


@contextlib.contextmanager
def interrupt_after(seconds):
    """Press the stop button after some seconds, and again every 5 s while nothing came of it.

    Python drops a signal's exception that comes up in a callback of the garbage collector.
    """
    main, done = threading.main_thread().ident, threading.Event()

    def press():
        wait = seconds
        while not done.wait(wait):
            signal.pthread_kill(main, signal.SIGINT)
            wait = 5

    thread = threading.Thread(target=press)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.usefixtures("endless")
def test_a_hundred_interrupted_queries_leave_no_job_and_the_same_taskmanager(shell, cluster):
    moments = random.Random(11)
    taskmanager = cluster.taskmanager()
    for number in range(100):
        what = "k, COUNT(*) AS n FROM endless GROUP BY k" if number % 2 else "* FROM endless"
        # before the query is sent a bare one, then InterruptedQuery
        with pytest.raises(KeyboardInterrupt), interrupt_after(moments.uniform(0.001, 0.6)):
            shell.run_cell(f"%%flink --wait --view none\nSELECT {what}")
    assert cluster.jobs() == {}
    assert cluster.taskmanager() == taskmanager
    assert [thread for thread in threading.enumerate() if thread.name == "streammagic-reader"] == []
