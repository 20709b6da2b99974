"""``%stream jobs`` in front of a person: a widget that fills, and a table for where there are no widgets."""

import pytest
from waiting import eventually

pytestmark = [pytest.mark.kernel, pytest.mark.flink]

WIDGET = "application/vnd.jupyter.widget-view+json"
CLICKS = """%%flink
CREATE TABLE IF NOT EXISTS clicks (k INT NOT NULL) WITH (
  'connector' = 'datagen', 'rows-per-second' = '20', 'fields.k.min' = '0', 'fields.k.max' = '3')"""
DEPLOY = """%%stream deploy orders --sink blackhole --settle 0.1
SELECT k, COUNT(*) AS c FROM clicks GROUP BY k"""
DELETE_ALL = """stream = get_ipython().run_line_magic
for name in stream("stream", "jobs")["name"]:
    stream("stream", f"delete {name}")"""
BUTTONS = """
import ipywidgets
def buttons():
    return {w.description: w for w in ipywidgets.Widget._active_widgets.values() if isinstance(w, ipywidgets.Button)}
"""
STATE = "print(sorted(buttons()))"


@pytest.fixture
def notebook(kernel):
    """A kernel with one deployment, and no other."""
    for source in (DELETE_ALL, CLICKS, DEPLOY):
        reply = kernel.run(source).reply
        assert reply["status"] == "ok", reply["evalue"]
    yield kernel
    kernel.run(DELETE_ALL)


def stdout(cell):
    return "".join(c["text"] for c in cell.outputs("stream") if c["name"] == "stdout")


def test_the_widget_comes_with_a_table_and_its_buttons_work(notebook, cluster):
    cell = notebook.run("%stream jobs")
    (shown,) = cell.outputs()
    assert shown["data"]["text/plain"] == "1 job: 1 running"  # at once
    while not cell.outputs("update_display_data"):
        notebook.listen(30)
    last = cell.outputs("update_display_data")[0]["data"]
    assert set(last) == {WIDGET, "text/html", "text/plain"}
    assert last[WIDGET] == shown["data"][WIDGET]
    assert "● running" in last["text/plain"]
    assert stdout(notebook.run(BUTTONS + STATE)) == "['Logs', 'Refresh', 'Savepoint', 'Stop']\n"
    notebook.run("buttons()['Stop'].click()")
    assert stdout(notebook.run(STATE)) == "['Logs', 'No', 'Refresh', 'Savepoint', 'Stop', 'Yes']\n"
    assert len(cluster.jobs()) == 1
    notebook.run("buttons()['Yes'].click()")
    eventually(lambda: not cluster.jobs(), 20, "the job is stopped")
    eventually(
        lambda: stdout(notebook.run(STATE)) == "['Logs', 'Refresh']\n", 10, "it can't be stopped again"
    )


def test_a_person_alone_gets_widgets(notebook):
    cell = notebook.run("frame = %stream jobs\nframe['name'].tolist()", allow_stdin=False)
    (shown,) = cell.outputs()
    assert set(shown["data"]) == {"text/html", "text/plain"}
    assert "orders" in shown["data"]["text/plain"]
    assert not cell.outputs("comm_open")


def test_what_is_kept_up_to_date_ends_with_the_extension(notebook):
    notebook.run("%stream jobs --watch")
    notebook.run("%stream watch orders --every 0.1")
    threads = (
        "import threading; print([t.name for t in threading.enumerate() if t.name.startswith('streammagic')])"
    )
    assert "streammagic-jobs" in stdout(notebook.run(threads))
    assert "streammagic-watch" in stdout(notebook.run(threads))
    notebook.run("%unload_ext streammagic")
    assert stdout(notebook.run(threads)) == "[]\n"
    notebook.run("%load_ext streammagic")
