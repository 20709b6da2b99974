import io
import sys
import threading

import pytest

from streammagic.views import progress
from streammagic.views.progress import Progress


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.01)


@pytest.mark.parametrize("mode", ["text", "batch", "live"])
def test_what_is_over_soon_says_nothing(shell, capsys, mode):
    with Progress(mode) as told:
        told.say("starting Flink 2.3.0")
    assert shell.messages == []
    assert capsys.readouterr() == ("", "")
    assert told.lines == ["starting Flink 2.3.0"]


@pytest.mark.usefixtures("_impatient")
def test_live_shows_the_newest_line_and_leaves_nothing(shell):
    with Progress("live") as told:
        told.say("downloading")
        shell.wait_for("downloading …")
        told.say("starting")
        shell.wait_for("starting …")
    assert shell.messages[-1].data == {}
    assert [message.update for message in shell.messages] == [False, True, True]


@pytest.mark.usefixtures("_impatient")
def test_live_leaves_nothing_after_a_failure_either(shell):
    with pytest.raises(ZeroDivisionError), Progress("live") as told:  # noqa: PT012 -- fails while shown
        told.say("starting")
        shell.wait_for("starting …")
        raise ZeroDivisionError
    assert shell.messages[-1].data == {}


class Log(io.StringIO):
    """A stderr that is no terminal, and tells when it was written to."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def flush(self):
        self.written.set()


@pytest.mark.usefixtures("_impatient")
def test_a_log_gets_a_line_on_stderr(monkeypatch):
    log = Log()
    monkeypatch.setattr(sys, "stderr", log)
    with Progress("text") as told:
        told.say("starting Flink 2.3.0")
        assert log.written.wait(5)
    assert log.getvalue() == "starting Flink 2.3.0 …\n"
