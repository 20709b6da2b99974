"""The stop button."""

import contextlib
import signal
import threading

import pytest


@pytest.fixture
def interrupting():
    """A block whose main thread is interrupted once after some seconds, as by the stop button."""

    @contextlib.contextmanager
    def interrupt(seconds):
        main = threading.main_thread().ident
        timer = threading.Timer(seconds, signal.pthread_kill, [main, signal.SIGINT])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    return interrupt
