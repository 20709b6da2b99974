import io
import sys
from types import SimpleNamespace

import pytest

from streammagic.views.channel import CellChannel, TerminalLine, current_shell, show


class TwoParents:
    """A kernel's shell at 7.4: one parent for all, one per thread."""

    def __init__(self, shell):
        self.display_pub, self.set, self.default = shell, [], "cell A"
        self.shell = shell

    def get_parent(self):
        return self.default

    def set_thread_parent(self, parent):
        before, self.shell.parent = self.shell.parent, parent
        return before

    def reset_thread_parent(self, token):
        self.shell.parent = token


def test_a_message_has_the_parent_of_its_cell(shell, monkeypatch):
    kernel_shell = TwoParents(shell)
    monkeypatch.setattr("streammagic.views.channel.current_shell", lambda: kernel_shell)
    channel = CellChannel()
    kernel_shell.default = shell.parent = "cell B"
    with channel.pinned():
        channel.send({"text/plain": "x"})
    assert shell.messages[0].parent == "cell A"
    assert shell.parent == "cell B"


def older_kernel(shell, monkeypatch, version):
    shell.get_parent = lambda: "cell A"
    shell.set_parent = lambda parent: setattr(shell, "parent", parent)
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace(version_info=version))


@pytest.mark.parametrize(
    ("version", "parent"), [((7, 1, 0), "cell A"), ((7, 3, 2), "cell A"), ((6, 31, 0), None)]
)
def test_older_kernels_have_one_parent_or_none(shell, monkeypatch, version, parent):
    older_kernel(shell, monkeypatch, version)
    channel = CellChannel()
    with channel.pinned():
        channel.send({"text/plain": "x"})
    assert shell.messages[0].parent == parent


def test_a_terminal_line_is_written_over(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    line = TerminalLine(stream)
    for text in ("one", "two", "two", ""):
        line.send({"text/plain": text})
    assert stream.getvalue() == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K"


def test_a_log_gets_plain_lines():
    stream = io.StringIO()
    line = TerminalLine(stream)
    line.send({"text/plain": "one"})
    line.send({})
    assert stream.getvalue() == "one\n"


def test_outside_of_ipython_there_is_nothing_to_show_in():
    with pytest.raises(RuntimeError, match="IPython"):
        current_shell()


def test_a_terminal_shows_the_plain_text_once(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance()
    try:
        show({"text/plain": "3 rows", "text/html": "<b>3 rows</b>"})
    finally:
        InteractiveShell.clear_instance()
    assert capsys.readouterr().out == "3 rows\n"
