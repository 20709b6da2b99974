"""JupyterLab in Chromium: the table moves, and its last state is there after a reload."""

import pytest
from real_lab import RUN, chromium, in_browser, jupyterlab, open_notebook
from waiting import eventually

pytestmark = [*in_browser, pytest.mark.flink]

CELLS = [
    "%load_ext streammagic",
    (
        "%%flink -o counts\n"
        "CREATE TABLE endless (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '500', "
        "'fields.k.min' = '0', 'fields.k.max' = '3');\n"
        "SELECT k, COUNT(*) AS n FROM endless GROUP BY k"
    ),
    "counts.stop().status",
]


@pytest.fixture
def lab(cluster, tmp_path):
    """The address of a notebook with the cells."""
    with jupyterlab(tmp_path, CELLS, cluster.environment) as address:
        yield address


@pytest.fixture
def page():
    with chromium() as page:
        yield page


def output(page, index):
    found = page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputArea")
    return found.inner_text() if found.count() else ""


def test_the_table_moves_and_its_last_state_survives_a_reload(lab, page):
    open_notebook(page, lab)
    page.evaluate(RUN, 0)
    page.evaluate(RUN, 1)
    first = eventually(lambda: "running" in output(page, 1) and output(page, 1), 60, "rows arrive")
    second = eventually(lambda: output(page, 1) != first and output(page, 1), 10, "the table changes")
    eventually(lambda: output(page, 1) not in (first, second), 10, "the table changes again")
    page.evaluate(RUN, 2)
    last = eventually(lambda: "stopped" in output(page, 1) and output(page, 1), 30, "the query stops")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    open_notebook(page, lab)
    assert output(page, 1) == last
