"""JupyterLab in Chromium: the table moves, and its last state is there after a reload."""

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

pytestmark = [
    pytest.mark.browser,
    pytest.mark.kernel,
    pytest.mark.flink,
    pytest.mark.skipif(not (Path(CHROMIUM).exists() or REQUIRED), reason="Chromium is not installed"),
]

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
READY = """async () => {
  const app = window.jupyterapp, widget = app && app.shell.currentWidget;
  if (!widget || !widget.sessionContext) return false;
  await widget.sessionContext.ready;
  const kernel = widget.sessionContext.session && widget.sessionContext.session.kernel;
  if (!kernel) return false;
  await kernel.info;
  return kernel.status === 'idle' && kernel.connectionStatus === 'connected';
}"""
RUN = """i => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = i; notebook.deselectAll();
  window.jupyterapp.commands.execute('notebook:run-cell');
}"""


@pytest.fixture
def lab(cluster, tmp_path):
    """A JupyterLab with a home of its own; its address."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "live.ipynb")
    quiet = tmp_path / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
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
    port = 8979
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--expose-app-in-browser"]
    options += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/api"), 60, "JupyterLab answers")
            yield f"http://127.0.0.1:{port}/lab/tree/live.ipynb"
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
            yield browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        finally:
            browser.close()


def open_notebook(page, address):
    page.goto(f"{address}?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=60_000)
    page.wait_for_function(READY, timeout=60_000)


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
