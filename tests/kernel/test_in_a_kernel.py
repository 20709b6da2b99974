"""The display modes in a real kernel, and many cells one after another."""

import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from real_kernel import ENDLESS
from waiting import eventually

pytestmark = [pytest.mark.kernel, pytest.mark.flink]

COUNT = "%%flink -o counts\nSELECT k, COUNT(*) AS n FROM endless GROUP BY k"


def executed(cluster, monkeypatch, *sources):
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext streammagic", *sources)]
    NotebookClient(notebook, timeout=60).execute()
    return notebook


def test_batch_gives_one_display_per_query_and_the_same_bytes_on_every_run(cluster, monkeypatch):
    sources = [
        (
            "%%flink\nCREATE TABLE few (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '40', "
            "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '40')"
        ),
        "%%flink\nSELECT MOD(n, 3) AS k, COUNT(*) AS c FROM few GROUP BY MOD(n, 3)",
        ENDLESS,
        "%%flink --limit 3\nSELECT 'row' AS word FROM endless",
    ]
    first, second = (executed(cluster, monkeypatch, *sources) for _ in range(2))
    for one, other in zip(first.cells[1:], second.cells[1:], strict=True):
        assert [output.output_type for output in one.outputs] == ["display_data"]
        assert one.outputs[0].data == other.outputs[0].data


def test_nbclient_stops_at_an_error(cluster, monkeypatch):
    with pytest.raises(CellExecutionError, match="SqlError: Flink does not understand frm here"):
        executed(cluster, monkeypatch, "%%flink\n\nselect * frm t", "never = True")


def test_live_hands_the_prompt_back_and_updates_one_display_until_the_stop(kernel):
    kernel.run(ENDLESS)
    cell = kernel.run(COUNT)
    assert cell.reply["status"] == "ok"
    (display,) = cell.outputs()
    while len(cell.outputs("update_display_data")) < 3:
        kernel.listen(10)
    assert cell.text.startswith("running")
    kernel.run("counts.stop()")
    updates = cell.outputs("update_display_data")
    assert {update["transient"]["display_id"] for update in updates} == {display["transient"]["display_id"]}
    assert cell.text.startswith("stopped")
    assert "text/html" in updates[-1]["data"]


def test_a_live_result_that_ends_is_stored_as_batch_would_store_it(kernel):
    sql = "%%flink\nSELECT k, COUNT(*) AS n FROM (VALUES (1), (2), (1)) AS t (k) GROUP BY k"
    assert kernel.run(sql).text == kernel.run(sql, allow_stdin=False).text


def test_running_a_cell_again_stops_what_it_started(kernel, cluster):
    kernel.run(ENDLESS)
    kernel.run(COUNT)
    before = set(cluster.jobs())
    kernel.run(COUNT)
    assert len(before) == len(cluster.jobs()) == 1
    assert before != set(cluster.jobs())
    kernel.run("counts.stop()")


def test_run_all_of_twenty_cells_shows_each_its_own_rows(kernel):
    kernel.run(ENDLESS)
    kernel.run("%config StreamMagic.patience = 0.3")
    cells = {}
    for number in range(20):
        source = "endless" if number % 4 == 0 else "(VALUES (1)) AS t (k)"
        cells[number] = kernel.run(f"%%flink -o h{number}\nSELECT 'cell {number}' AS word, k FROM {source}")
    endless = [cells[number] for number in range(0, 20, 4)]
    while not all(len(cell.outputs("update_display_data")) > 1 for cell in endless):
        kernel.listen(10)
    for number in range(0, 20, 4):
        kernel.run(f"h{number}.stop()")
    for number, cell in cells.items():
        assert set(re.findall(r"cell \d+", cell.text)) == {f"cell {number}"}, number


def test_an_interrupt_ends_a_waiting_cell_and_its_job(kernel, cluster):
    kernel.run(ENDLESS)
    request = kernel.client.execute("%%flink --wait\nSELECT * FROM endless", allow_stdin=True)
    eventually(cluster.jobs, 10, "the query runs")
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(request)
    assert (reply["status"], reply["ename"]) == ("error", "InterruptedQuery")
    cluster.wait_until_idle(2)


@pytest.mark.parametrize("death", ["restart", "kill"])
def test_the_jobs_of_a_kernel_end_with_it(kernel, cluster, death):
    kernel.run(ENDLESS)
    kernel.run(COUNT)
    assert len(cluster.jobs()) == 1
    if death == "restart":
        kernel.manager.restart_kernel()
    else:
        kernel.manager.signal_kernel(9)
    cluster.wait_until_idle(6)


def test_a_cell_with_an_id_stops_what_it_started_even_when_its_text_has_changed(kernel, cluster):
    kernel.run(ENDLESS)
    kernel.run("%%flink -o first\nSELECT * FROM endless", cell_id="a-cell")
    kernel.run("%%flink -o second\nSELECT k FROM endless", cell_id="a-cell")
    assert len(cluster.jobs()) == 1
    kernel.run("%%flink -o third\nSELECT k FROM endless", cell_id="another-cell")
    assert len(cluster.jobs()) == 2
    statuses = kernel.run("print(first.status, second.status, third.status)").outputs("stream")
    assert statuses[-1]["text"] == "stopped running running\n"
    kernel.run("second.stop(); third.stop()")


def test_what_a_kernel_leaves_at_its_shutdown_is_nothing(kernel, cluster):
    kernel.run(ENDLESS)
    kernel.run(COUNT)
    kernel.manager.shutdown_kernel()
    assert cluster.jobs() == {}
