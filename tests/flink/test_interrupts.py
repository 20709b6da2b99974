"""A hundred queries interrupted at random moments leave nothing behind."""

import random
import signal
import threading

import pytest

pytestmark = pytest.mark.flink


def interrupt_after(seconds):
    """Interrupt the main thread as the stop button does, once."""
    main = threading.main_thread().ident
    timer = threading.Timer(seconds, signal.pthread_kill, [main, signal.SIGINT])
    timer.start()
    return timer


@pytest.mark.usefixtures("endless")
def test_a_hundred_interrupted_queries_leave_no_job_and_the_same_taskmanager(shell, cluster):
    moments = random.Random(11)
    taskmanager = cluster.taskmanager()
    for number in range(100):
        what = "k, COUNT(*) AS n FROM endless GROUP BY k" if number % 2 else "* FROM endless"
        timer = interrupt_after(moments.uniform(0.001, 0.6))
        with pytest.raises(KeyboardInterrupt):  # before the query is sent a bare one, then InterruptedQuery
            shell.run_cell(f"%%flink --wait --view none\nSELECT {what}")
        timer.join()
    assert cluster.jobs() == {}
    assert cluster.taskmanager() == taskmanager
    assert [thread for thread in threading.enumerate() if thread.name == "streammagic-reader"] == []
