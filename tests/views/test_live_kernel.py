"""LiveOutput in a real kernel: whose output is it, and which is the last."""

from pathlib import Path
from queue import Empty

import ipykernel
import pytest

ROOT = Path(__file__).parents[2]

CELL_A = """
import threading
from streammagic.views.live import LiveOutput
seen, drawn = {"n": 0}, threading.Semaphore(0)
def render():
    drawn.release()
    return {"text/plain": f"n = {seen['n']}"}
def work():
    for n in (1, 2, 3):
        seen["n"] = n
        output.touch()
        drawn.acquire(timeout=5)
    output.finish({"text/plain": "last"})
    output.touch()
output = LiveOutput(render)
drawn.acquire()
"""
CELL_B = "worker = threading.Thread(target=work); worker.start(); worker.join(); 'B is done'"
CELL_C = "other = LiveOutput(lambda: {'text/plain': 'c'}); other.finish({'text/plain': 'c'})"


@pytest.fixture
def kernel():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code):
    """Run ``code``; return its message id and all messages until it is idle."""
    request, messages = client.execute(code), []
    while True:
        try:
            message = client.get_iopub_msg(timeout=60)
        except Empty:
            pytest.fail(f"no idle after {[m['msg_type'] for m in messages]}")
        assert message["msg_type"] != "error", message["content"]["traceback"]
        messages.append(message)
        idle = message["content"].get("execution_state") == "idle"
        if idle and message["parent_header"].get("msg_id") == request:
            return request, messages


@pytest.mark.kernel
def test_updates_from_a_thread_belong_to_the_cell_that_made_the_output(kernel):
    cell_a, first = run(kernel, CELL_A)
    made = next(m for m in first if m["msg_type"] == "display_data")
    display_id = made["content"]["transient"]["display_id"]
    assert made["content"]["data"] == {"text/plain": "n = 0"}

    _, during_b = run(kernel, CELL_B)
    _, during_c = run(kernel, CELL_C)
    updates = [
        m
        for m in during_b + during_c
        if m["msg_type"] == "update_display_data" and m["content"]["transient"]["display_id"] == display_id
    ]
    assert [m["content"]["data"]["text/plain"] for m in updates] == ["n = 1", "n = 2", "n = 3", "last"]
    if ipykernel.version_info >= (7, 1):  # 6.x cannot pin, and no front-end of its time asks for it
        assert {m["parent_header"]["msg_id"] for m in updates} == {cell_a}
