import threading
import time
from dataclasses import dataclass, field

import pytest

from streammagic.views import channel

PATIENCE = 10


@dataclass
class Message:
    data: dict
    update: bool
    display_id: str | None
    at: float
    thread: str
    parent: object


@dataclass
class RecordingShell:
    """Stands for the IPython shell at its border: keeps what would be published."""

    messages: list[Message] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    parent: object = None

    @property
    def display_pub(self):
        return self

    def publish(self, data, metadata, transient=None, *, update=False):
        assert metadata == {}
        name, display_id = threading.current_thread().name, (transient or {}).get("display_id")
        with self.changed:
            self.messages.append(Message(data, update, display_id, time.monotonic(), name, self.parent))
            self.changed.notify_all()

    def wait_for(self, text):
        """Wait until ``text`` is the plain text of a message, and return that message."""
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.texts, PATIENCE), self.texts
            return self.messages[self.texts.index(text)]

    @property
    def texts(self):
        return [message.data.get("text/plain", "") for message in self.messages]


@pytest.fixture
def shell(monkeypatch):
    recorder = RecordingShell()
    monkeypatch.setattr(channel, "current_shell", lambda: recorder)
    return recorder
