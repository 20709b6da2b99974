"""JupyterLab in Chromium: the completer offers what is ours, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright
from waiting import eventually

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
REQUIRED = bool(os.environ.get("STREAMMAGIC_REQUIRE_BROWSER"))
PORT = 8978

pytestmark = [
    pytest.mark.browser,
    pytest.mark.kernel,
    pytest.mark.flink,
    pytest.mark.skipif(not (Path(CHROMIUM).exists() or REQUIRED), reason="Chromium is not installed"),
]

DEFINE = (
    "%load_ext streammagic\n"
    "get_ipython().run_cell_magic('flink', '', \"\"\"CREATE TABLE orders (order_id BIGINT, "
    "order_total DOUBLE, customer STRING) WITH ('connector' = 'datagen')\"\"\")"
)
READY = """async () => {
  const app = window.jupyterapp, widget = app && app.shell.currentWidget;
  if (!widget || !widget.sessionContext) return false;
  await widget.sessionContext.ready;
  const kernel = widget.sessionContext.session && widget.sessionContext.session.kernel;
  if (!kernel) return false;
  await kernel.info;
  return kernel.status === 'idle' && kernel.connectionStatus === 'connected';
}"""
RUN = """async i => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = i; notebook.deselectAll();
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
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


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"], ids=["light", "dark"])
def lab(cluster, tmp_path, request):
    """A JupyterLab with a home of its own; its address."""
    cells = [nbformat.v4.new_code_cell(source) for source in (DEFINE, "")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "typing.ipynb")
    settings = tmp_path / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": request.param}))
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = (
        os.environ | cluster.environment | {key: str(tmp_path / name) for key, name in folders.items()}
    )
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={PORT}", "--expose-app-in-browser"]
    options += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{PORT}/api"), 60, "JupyterLab answers")
            yield f"http://127.0.0.1:{PORT}/lab/tree/typing.ipynb"
        finally:
            server.terminate()
            server.wait(20)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
        finally:
            browser.close()


@pytest.fixture
def notebook(lab, page):
    """The notebook, with its table defined, in a page."""
    page.goto(f"{lab}?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=60_000)
    page.wait_for_function(READY, timeout=60_000)
    page.evaluate(RUN, 0)
    return page


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
    theme = request.node.callspec.id
    eventually(lambda: columns_offered(notebook), 20, "the columns are offered")
    picture(notebook, f"sql-{theme}")
    notebook.keyboard.press("Enter")
    assert notebook.evaluate(SOURCE, 1) == "%%flink\nSELECT order_id FROM orders"

    words = offered(notebook, "%stream st|")
    assert [word for word in words if word != "stream"] == ["status", "stop"]  # JupyterLab adds what is typed
    picture(notebook, f"stream-{theme}")
    notebook.keyboard.press("ArrowDown")
    notebook.keyboard.press("Enter")
    assert notebook.evaluate(SOURCE, 1) == "%stream stop"
