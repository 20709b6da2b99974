"""JupyterLab and Notebook 7 in Chromium with the extension that colours SQL, served from a folder as a wheel installs it."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import TimeoutError as TooLate
from real_lab import READY, chromium, in_browser, jupyterlab, open_notebook
from waiting import eventually

import streammagic

EXTENSION = Path(__file__).parents[2] / "streammagic/labextension"
SQL = """%%flink -o counts
-- it's the orders
CREATE TABLE orders (price DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'it''s', 'properties.bootstrap.servers' = '{{ kafka }}
');
/* SELECT
*/
SELECT o.key, `from`, {{ least }} FROM orders o EMIT CHANGES"""
PYTHON = "class Orders:\n    SELECT = 'it'  # FROM"
CELLS = [
    "orders_of_mine = 1; orders_of_meat = 2",
    SQL,
    PYTHON,
    "%%ksql\nPRINT pageviews",
    "%%stream deploy top\nSELECT 1",
    "%%timeit\nSELECT = 1",
]

SPANS = """i => [...document.querySelectorAll('.jp-Notebook .jp-Cell')[i].querySelectorAll('.cm-line')]
  .flatMap(line => [...line.childNodes].map(
    node => [node.textContent, node.nodeType === Node.TEXT_NODE ? '' : node.className]))"""
EDIT = """async i => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  notebook.activeCellIndex = i; notebook.deselectAll();
  await app.commands.execute('notebook:enter-edit-mode');
}"""
RUN = "async () => { await window.jupyterapp.commands.execute('notebook:run-cell'); }"
SOURCE = "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source"
RESTORE = """source =>
  window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(source)"""
CHANGE_KERNEL = """async () => {
  const session = window.jupyterapp.shell.currentWidget.sessionContext;
  await session.session.kernel.restart();
  await session.changeKernel({name: 'python3'});
  await session.session.kernel.info;
}"""
ITEM = ".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item:has-text('orders_of_mine')"


@pytest.fixture(scope="module", params=["lab", "notebook"])
def lab(tmp_path_factory, request):
    """A JupyterLab that finds the extension where ``share/jupyter`` of a wheel would be; its address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(EXTENSION, home / "share/labextensions/streammagic")
    with jupyterlab(home, [*CELLS, nbformat.v4.new_markdown_cell(SQL)], front=request.param) as address:
        yield address


@pytest.fixture(scope="module")
def page(lab):
    with chromium() as page:
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda said: page.errors.append(said.text) if said.type == "error" else None)
        open_notebook(page, lab)
        yield page


def colours(page, index):
    """The colour's class of each piece of a cell's text; "" where it has none."""
    return {text.strip(): name for text, name in page.evaluate(SPANS, index)}


@pytest.fixture(scope="module")
def python(page):
    """The classes of JupyterLab's own colours, learnt from Python."""

    def learnt():
        found = colours(page, 2)
        return found if found.get("class") and found.get("'it'") else None

    found = eventually(learnt, 20, "Python is coloured")
    return {"keyword": found["class"], "string": found["'it'"], "comment": found["# FROM"]}


def own(errors):
    """What JupyterLab does not say itself when a kernel goes while it is asked, and Notebook 7 when it starts."""
    theirs = ("Canceled future", "reading 'schema'")
    return [error for error in errors if not any(words in error for words in theirs)]


def of_class(page, index, name):
    return [text for text, found in page.evaluate(SPANS, index) if found == name]


class TestInTheBrowser:
    pytestmark = in_browser

    def test_sql_has_the_colours_that_python_has_in_its_cells(self, page, python):
        assert of_class(page, 1, python["keyword"]) == [
            "CREATE", "TABLE", "WATERMARK", "FOR", "AS", "WITH", "SELECT", "FROM", "EMIT", "CHANGES",
        ]  # fmt: skip
        assert of_class(page, 1, python["comment"]) == ["-- it's the orders", "/* SELECT", "*/"]
        assert "'it''s'" in of_class(page, 1, python["string"])
        magic = colours(page, 1)["%%flink -o counts"]
        assert magic
        assert magic not in python.values()
        assert of_class(page, 1, magic) == ["%%flink -o counts", "{{ kafka }}", "{{ least }}"]
        assert of_class(page, 3, python["keyword"]) == ["PRINT"]
        assert of_class(page, 4, python["keyword"]) == ["SELECT"]

    def test_python_stays_python(self, page, python):
        assert of_class(page, 2, python["keyword"]) == ["class"]
        assert python["keyword"] not in colours(page, 5).values()
        assert own(page.errors) == []

    def test_colours_come_and_go_while_the_first_line_is_typed(self, page, python):
        page.evaluate(EDIT, 5)
        page.keyboard.press("Control+Home")
        page.keyboard.type("%%ksql\n")
        eventually(lambda: of_class(page, 5, python["keyword"]) == ["SELECT"], 5, "it is SQL")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Delete")
        eventually(lambda: of_class(page, 5, python["keyword"]) == [], 5, "it is Python again")
        page.evaluate(RESTORE, CELLS[5])

    @pytest.mark.parametrize(
        ("index", "typed", "found"),
        [
            (5, "\nif x:\nSELECT", "\nif x:\n    # SELECT"),
            (4, "\n  FROM (\nSELECT", "\n  FROM (\n  -- SELECT"),
        ],
        ids=["python", "sql"],
    )
    def test_indents_and_comments_are_those_of_the_language(self, page, index, typed, found):
        page.evaluate(EDIT, index)
        page.keyboard.press("Control+End")
        page.keyboard.type(typed)
        page.keyboard.press("Control+/")
        try:
            assert page.evaluate(SOURCE) == CELLS[index] + found
        finally:
            page.evaluate(RESTORE, CELLS[index])

    def test_a_markdown_cell_is_left_alone(self, page, python):
        page.evaluate(EDIT, len(CELLS))
        assert "CREATE TABLE orders" in "".join(colours(page, len(CELLS)))
        assert python["keyword"] not in colours(page, len(CELLS)).values()

    def test_the_kernel_completes_in_sql(self, page):
        page.evaluate(EDIT, 0)
        page.evaluate(RUN)
        page.evaluate(EDIT, 3)
        page.keyboard.press("Control+End")
        page.keyboard.type("\norders_of_m")

        def offered():
            page.keyboard.press("Tab")
            try:
                page.wait_for_selector(ITEM, timeout=3000)
            except TooLate:  # a kernel's first answer may be later than JupyterLab waits for it
                return False
            return True

        eventually(offered, 30, "the kernel's name is offered")
        page.keyboard.press("Escape")

    def test_another_kernel_changes_no_colour(self, page, python):
        before = page.evaluate(SPANS, 1)
        page.evaluate(CHANGE_KERNEL)
        page.wait_for_function(READY, timeout=60_000)
        assert page.evaluate(SPANS, 1) == before
        assert of_class(page, 4, python["keyword"]) == ["SELECT"]
        assert own(page.errors) == []


def test_the_extension_has_the_version_of_the_package():
    package = json.loads((EXTENSION / "package.json").read_text())
    assert (package["name"], package["version"]) == ("streammagic", streammagic.__version__)
    assert (EXTENSION / package["jupyterlab"]["_build"]["load"]).is_file()
