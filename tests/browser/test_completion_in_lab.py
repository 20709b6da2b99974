"""JupyterLab and Notebook 7 in Chromium: the completer offers what is ours, and nothing else."""

import os

import pytest
from real_lab import RUN_TO_THE_END, chromium, in_browser, jupyterlab, open_notebook
from waiting import eventually

pytestmark = [*in_browser, pytest.mark.flink]

DEFINE = (
    "%load_ext streammagic\n"
    "get_ipython().run_cell_magic('flink', '', \"\"\"CREATE TABLE orders (order_id BIGINT, "
    "order_total DOUBLE, customer STRING) WITH ('connector' = 'datagen')\"\"\")"
)
EDIT = """async ([i, text, at]) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = i; notebook.deselectAll();
  notebook.widgets[i].model.sharedModel.setSource(text);
  await window.jupyterapp.commands.execute('notebook:enter-edit-mode');
  const editor = notebook.widgets[i].editor;
  editor.focus();
  editor.setCursorPosition(editor.getPositionAt(at));
}"""
SOURCE = "i => window.jupyterapp.shell.currentWidget.content.widgets[i].model.sharedModel.getSource()"
ITEMS = ".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item"


@pytest.fixture(
    params=[("JupyterLab Dark", "lab"), ("JupyterLab Light", "notebook")], ids=["lab", "notebook"]
)
def notebook(cluster, tmp_path, request):
    """The notebook, with its table defined, in a page."""
    with (
        jupyterlab(tmp_path, [DEFINE, ""], cluster.environment, *request.param) as address,
        chromium(1000, 700) as page,
    ):
        open_notebook(page, address)
        page.evaluate(RUN_TO_THE_END, 0)
        yield page


def offered(page, text):
    """Put a text with its cursor, ``|``, into the second cell, press Tab and return what is offered."""
    page.keyboard.press("Escape")
    at = text.rindex("|")
    page.evaluate(EDIT, [1, text[:at] + text[at + 1 :], at])
    page.keyboard.press("Tab")
    page.wait_for_selector(ITEMS, timeout=10_000)
    return [item.get_attribute("data-value") for item in page.locator(ITEMS).all()]


def picture(page, name):
    if folder := os.environ.get("STREAMMAGIC_PICTURES"):
        page.wait_for_timeout(300)
        page.screenshot(path=f"{folder}/{name}.png")


def columns_offered(page):
    return offered(page, "%%flink\nSELECT or| FROM orders") == ["order_id", "order_total", "orders"]


def test_the_completer_offers_columns_and_verbs(notebook, request):
    front = request.node.callspec.id
    eventually(lambda: columns_offered(notebook), 20, "the columns are offered")
    picture(notebook, f"sql-{front}")
    notebook.keyboard.press("Enter")
    assert notebook.evaluate(SOURCE, 1) == "%%flink\nSELECT order_id FROM orders"

    words = offered(notebook, "%stream st|")
    assert [word for word in words if word != "stream"] == ["status", "stop"]  # JupyterLab adds what is typed
    picture(notebook, f"stream-{front}")
    notebook.keyboard.press("ArrowDown")
    notebook.keyboard.press("Enter")
    assert notebook.evaluate(SOURCE, 1) == "%stream stop"
