import sys
from types import ModuleType, SimpleNamespace

import pytest

from streammagic.errors import OptionError
from streammagic.views.modes import display_mode


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch):
    monkeypatch.delenv("STREAMMAGIC_MODE", raising=False)


def in_kernel(monkeypatch, content):
    kernel = SimpleNamespace(get_parent=lambda channel: {"content": content} if channel == "shell" else None)
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setitem(sys.modules, "IPython", ipython)


def test_without_ipython_it_is_text(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert display_mode() == "text"


def test_a_terminal_shell_is_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=SimpleNamespace))
    assert display_mode() == "text"


def test_a_request_that_refuses_questions_is_batch(monkeypatch):
    in_kernel(monkeypatch, {"allow_stdin": False})
    assert display_mode() == "batch"


@pytest.mark.parametrize("content", [{"allow_stdin": True}, {}])
def test_any_other_request_is_live(monkeypatch, content):
    in_kernel(monkeypatch, content)
    assert display_mode() == "live"


def test_colab_is_live(monkeypatch):
    in_kernel(monkeypatch, {"allow_stdin": False})
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    assert display_mode() == "live"


def test_the_environment_wins_over_the_kernel(monkeypatch):
    in_kernel(monkeypatch, {"allow_stdin": True})
    monkeypatch.setenv("STREAMMAGIC_MODE", "batch")
    assert display_mode() == "batch"


def test_the_override_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("STREAMMAGIC_MODE", "batch")
    assert display_mode("live") == "live"


def test_an_unknown_mode_names_the_three(monkeypatch):
    monkeypatch.setenv("STREAMMAGIC_MODE", "fancy")
    with pytest.raises(OptionError) as caught:
        display_mode()
    assert "STREAMMAGIC_MODE" in caught.value.message
    assert all(mode in caught.value.hint for mode in ("text", "batch", "live"))
