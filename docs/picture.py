"""Make the pictures of the documentation from a real run: ``python docs/picture.py [FOLDER]``.

A JupyterLab with a throw-away home, the embedded Flink, and Chromium. Each picture is taken while the rows
arrive, in light and dark, wide and narrow.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import sync_playwright

from streammagic import local

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORT = 8977
_CHROMIUM = "/usr/bin/chromium"
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
_CELLS = [
    "%load_ext streammagic",
    """%%flink --view none
CREATE TABLE clicks (page INT, millis INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '2000',
  'fields.page.min' = '1', 'fields.page.max' = '6', 'fields.millis.min' = '5', 'fields.millis.max' = '900')""",
    """%%flink -o pages
SELECT page, COUNT(*) AS clicks, AVG(millis) AS mean_ms, MAX(millis) AS max_ms
FROM clicks
GROUP BY page""",
    """%%flink
SELECT NULL_IF_EMPTY(page), COUNT(*)
FROM clicks
GROUP BY page""",
    "pages.df.set_index('page').describe().round(1)",
    """%%flink
SELECT CAST(NULL AS STRING) AS nothing, '<b>bold</b> & "quotes"' AS markup, 'žluťoučký $x^2$ 東京' AS words,
       'a very long text that goes on and on and on ' || REPEAT('and on ', 30) AS long_text,
       CAST(1.5 AS DECIMAL(10, 3)) AS price, TIMESTAMP '2024-01-01 09:00:00.123' AS at_time, ARRAY[1, 2] AS list""",
]


def main(folder: Path) -> None:
    """Take all pictures into ``folder``."""
    cluster = local.start()
    for name, dark, width in [
        ("light", False, 1280),
        ("dark", True, 1280),
        ("narrow", False, 700),
        ("narrow-dark", True, 700),
    ]:
        with _lab(cluster, dark=dark) as url, _page(width, dark=dark) as page:
            _run_all(page, url)
            page.screenshot(path=folder / f"lab-{name}.png")
            if name == "light":
                page.screenshot(path=folder / "quickstart.png", clip=_around(page, first=2, last=3))


@contextlib.contextmanager
def _lab(cluster: local.Cluster, *, dark: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="lab-") as home:
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in _CELLS]
        notebook.cells[3].metadata["tags"] = ["raises-exception"]
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, Path(home) / "picture.ipynb")
        settings = {"notification": {"fetchNews": "false", "checkForUpdates": False}}
        if dark:
            settings["themes"] = {"theme": "JupyterLab Dark"}
        for key, value in settings.items():
            path = Path(home) / "settings/@jupyterlab/apputils-extension" / f"{key}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))
        places = {"CONFIG_DIR": "cfg", "DATA_DIR": "data", "RUNTIME_DIR": "run"}
        environment = os.environ | {f"JUPYTER_{key}": f"{home}/{value}" for key, value in places.items()}
        environment |= {
            "JUPYTERLAB_SETTINGS_DIR": f"{home}/settings",
            "JUPYTERLAB_WORKSPACES_DIR": f"{home}/ws",
        }
        environment |= {"IPYTHONDIR": f"{home}/ipython"}
        environment |= {"STREAMMAGIC_FLINK_GATEWAY": cluster.gateway, "STREAMMAGIC_FLINK_REST": cluster.rest}
        options = [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={_PORT}",
            "--expose-app-in-browser",
        ]
        options += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={home}"]
        with (Path(home) / "lab.log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
            )
            try:
                url = f"http://127.0.0.1:{_PORT}"
                _wait_until_up(url)
                yield url
            finally:
                server.terminate()
                server.wait(20)


def _wait_until_up(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=2).close()  # noqa: S310 - loopback
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@contextlib.contextmanager
def _page(width: int, *, dark: bool) -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 1700}, color_scheme=scheme)
        try:
            yield context.new_page()
        finally:
            browser.close()


def _around(page: Any, *, first: int, last: int) -> dict[str, float]:
    """Return the rectangle that holds some consecutive cells."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    top, bottom = cells.nth(first).bounding_box(), cells.nth(last).bounding_box()
    return {"x": top["x"], "y": top["y"], "width": 1000, "height": bottom["y"] + bottom["height"] - top["y"]}


def _run_all(page: Any, url: str) -> None:
    page.goto(f"{url}/lab/tree/picture.ipynb?reset", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=60_000)
    page.wait_for_function(
        """async () => {
          const app = window.jupyterapp, widget = app && app.shell.currentWidget;
          if (!widget || !widget.sessionContext) return false;
          await widget.sessionContext.ready;
          const kernel = widget.sessionContext.session && widget.sessionContext.session.kernel;
          if (!kernel) return false;
          await kernel.info;
          return kernel.status === 'idle' && kernel.connectionStatus === 'connected';
        }""",
        timeout=60_000,
    )
    page.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area'); }")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(
        "() => document.querySelectorAll('.jp-Notebook .jp-Cell')[5].querySelector('td') !== null",
        timeout=90_000,
    )
    page.wait_for_function(
        "() => document.querySelectorAll('.jp-Notebook .jp-Cell')[2].innerText.includes('0:0')",
        timeout=30_000,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
