"""A real Jupyter kernel that uses the real Flink."""

from dataclasses import dataclass, field
from queue import Empty

import pytest
from jupyter_client.manager import start_new_kernel

ENDLESS = """%%flink
CREATE TABLE IF NOT EXISTS endless (k INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '200', 'fields.k.min' = '0', 'fields.k.max' = '3')"""


@dataclass
class Cell:
    """What came of a cell: its messages, also those that arrive while later cells run."""

    reply: dict
    messages: list = field(default_factory=list)

    def outputs(self, kind="display_data"):
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    @property
    def text(self):
        """The plain text that a front end shows: the first display, with all updates applied."""
        shown = {}
        for message in self.messages:
            if message["msg_type"] in ("display_data", "update_display_data", "execute_result"):
                content = message["content"]
                key = content.get("transient", {}).get("display_id", message["header"]["msg_id"])
                shown[key] = content["data"].get("text/plain", "")
        return "\n".join(shown.values())


class Kernel:
    """A kernel and a client that behaves like JupyterLab: it may be asked for input."""

    def __init__(self, environment):
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=environment)
        self.cells = {}
        self.of_display = {}

    def run(self, code, allow_stdin=True, seconds=60, cell_id=None):
        """Run a cell to its reply, and take in what other cells publish meanwhile."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": allow_stdin, "stop_on_error": True}
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        request = message["header"]["msg_id"]
        cell = self.cells[request] = Cell({})
        while not self.listen(seconds, request):
            pass
        cell.reply = self.reply(request, seconds)
        return cell

    def reply(self, request, seconds=60):
        """Return the reply to a request; what else has come, such as a late answer of the start, is dropped."""
        while True:
            message = self.client.get_shell_msg(timeout=seconds)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]

    def listen(self, seconds, until_idle=None):
        """Take in one message; tell whether it ends the cell ``until_idle``."""
        try:
            message = self.client.get_iopub_msg(timeout=seconds)
        except Empty:
            pytest.fail(f"the kernel has been silent for {seconds} s")
        display = message["content"].get("transient", {}).get("display_id")
        parent = message["parent_header"].get("msg_id")
        if message["msg_type"] == "display_data" and display:
            self.of_display[display] = parent
        owner = self.of_display.get(display, parent)
        if owner in self.cells:
            self.cells[owner].messages.append(message)
        return parent == until_idle and message["content"].get("execution_state") == "idle"

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
