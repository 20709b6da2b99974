"""A real JupyterLab in a real Chromium, with homes of their own."""

import contextlib
import json
import os
import shutil
import socket
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
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
_REQUIRED = bool(os.environ.get("STREAMMAGIC_REQUIRE_BROWSER"))

in_browser = [
    pytest.mark.browser,
    pytest.mark.kernel,
    pytest.mark.skipif(not (Path(CHROMIUM).exists() or _REQUIRED), reason="Chromium is not installed"),
]
"""The marks of a test that needs one."""

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
RUN_TO_THE_END = RUN.replace("i =>", "async i =>").replace(
    "window.jupyterapp.commands", "await window.jupyterapp.commands"
)

_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_PATH": "share",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}


@contextlib.contextmanager
def jupyterlab(home, cells, environment=None, theme="JupyterLab Light", front="lab"):
    """A JupyterLab that has its home in a folder; yields the address of a notebook with these cells.

    A cell is its source, or a cell of nbformat's. ``front`` is "lab", or "notebook" for Notebook 7.
    """
    made = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=made)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, home / "cells.ipynb")
    settings = home / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    folders = {key: str(home / name) for key, name in _FOLDERS.items()}
    port = _free_port()
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--expose-app-in-browser"]
    options += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={home}"]
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", {"lab": "jupyterlab", "notebook": "notebook"}[front], *options],
            env=os.environ | (environment or {}) | folders,
            stdout=log,
            stderr=log,
        )
        try:
            eventually(lambda: _answers(f"http://127.0.0.1:{port}/api"), 60, "JupyterLab answers")
            yield f"http://127.0.0.1:{port}/{'lab/tree' if front == 'lab' else 'notebooks'}/cells.ipynb"
        finally:
            server.terminate()
            server.wait(20)


@contextlib.contextmanager
def chromium(width=1280, height=1000):
    """A page of a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser.new_context(viewport={"width": width, "height": height}).new_page()
        finally:
            browser.close()


def open_notebook(page, address):
    """Open a notebook in a fresh workspace, and wait until its kernel is."""
    page.goto(f"{address}?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=60_000)
    page.wait_for_function(READY, timeout=60_000)


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
