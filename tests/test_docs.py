"""Every block of the pages in docs/ does what the page says; every name in their text exists."""

import contextlib
import io
import re
import shlex
import tomllib
from collections import Counter
from itertools import pairwise

import docs_snippets
import pytest
from docs_snippets import CELLS, PAGES, ROOT, Page, read, same_output, verbs, with_tables
from ksqldb.tiny import TinyKsql
from real_shell import shell_with

from streammagic import cli
from streammagic.config import StreamMagic
from streammagic.errors import StreamMagicError
from streammagic.topics.broker import Broker

NOT_RUN = {
    ("clusters", "needs a cluster of your own"): 3,
    ("notebook-tests", "runs a notebook of your own"): 1,
}
"""How many blocks no test runs, by page and reason."""

READ = {path.stem: read(path) for path in PAGES}


def _marks(page):
    return [pytest.mark.flink] * ("flink" in page.runs_on) + [pytest.mark.kafka] * ("kafka" in page.runs_on)


# --- the cells ---


class Notebook:
    """A fresh shell that runs cells and tells what they print."""

    def __init__(self, shell):
        self.shell = shell

    def run(self, snippet):
        """Run a cell; return what is shown, or fail with the place in the page."""
        before, printed = len(self.shell.shown), io.StringIO()
        where = f"docs/{snippet.page}.md, line {snippet.line}"
        try:
            with contextlib.redirect_stdout(printed):
                self.shell.run_cell(snippet.text)
        except Exception as error:  # noqa: BLE001 - whatever a cell fails with, its place is told
            if type(error).__name__ != snippet.raises:
                pytest.fail(f"{where}: {type(error).__name__}: {error}", pytrace=False)
            return "\n".join(self.shell.shown[before:])
        if snippet.raises is not None:
            pytest.fail(f"{where}: this cell was to fail with {snippet.raises}", pytrace=False)
        values = re.sub(r"^Out\[\d+\]: ?\n?", "", printed.getvalue(), flags=re.MULTILINE)
        return "\n".join([*self.shell.shown[before:], values])


@contextlib.contextmanager
def _ksqldb(page):
    """The environment in which ``%%ksql`` finds a server, where the page needs one."""
    if "ksqldb" not in page.runs_on:
        yield {}
        return
    with TinyKsql() as server:
        yield {"STREAMMAGIC_KSQLDB": server.url}


@pytest.fixture
def notebook(request, page, tmp_path, monkeypatch):
    """A fresh shell for a page, on what it needs; what its cells leave behind is removed."""
    environment = {"STREAMMAGIC_HOME": str(tmp_path / "home")}
    cluster = request.getfixturevalue("cluster") if "flink" in page.runs_on else None
    broker = Broker(request.getfixturevalue("kafka")) if "kafka" in page.runs_on else None
    topics = broker.names() if broker else set()
    if cluster:
        environment = cluster.environment
    with _ksqldb(page) as address, shell_with(environment | address, tmp_path) as shell:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("STREAMMAGIC_MODE", "batch")  # as nbclient and nbval run a notebook
        shell.config.StreamMagic.settle = 0.2  # a page says nothing of how long a cell takes
        try:
            yield Notebook(shell)
        finally:
            for name in re.findall(r"^%%?stream deploy ([\w.-]+)", _text(page), re.MULTILINE):
                with contextlib.suppress(StreamMagicError):
                    shell.run_cell(f"%stream delete {name} --topics --if-exists")
    if broker:
        broker.delete(sorted(broker.names() - topics - {"__consumer_offsets", "__transaction_state"}))
    if cluster:
        cluster.wait_until_idle()


def _text(page):
    return "\n".join(snippet.text for snippet in page.cells)


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=_marks(page), id=page.name) for page in READ.values() if page.cells],
)
def test_the_cells_of_a_page_run_in_order_and_print_what_it_says(page, notebook):
    for snippet in page.cells:
        printed = notebook.run(snippet)
        if snippet.output is not None and not same_output(snippet.output, printed):
            pytest.fail(
                f"docs/{page.name}.md, line {snippet.line}: the page says\n\n{snippet.output}\n\n"
                f"and the cell printed\n\n{printed}",
                pytrace=False,
            )


# --- what is not run ---


def test_only_what_is_listed_is_not_run():
    found = [(s.page, s.not_run) for page in READ.values() for s in page.snippets if s.not_run is not None]
    assert Counter(found) == NOT_RUN


def test_a_page_with_cells_says_what_they_run_on():
    assert [page.name for page in READ.values() if page.cells and not page.runs_on] == []


# --- commands ---

_PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_EXTRAS = _PYPROJECT["project"]["optional-dependencies"]


def _commands():
    for page in READ.values():
        for snippet in page.snippets:
            if snippet.language == "bash":
                text = snippet.text.replace("\\\n", " ")
                lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
                yield from (pytest.param(line, id=f"{page.name}:{line}"[:60]) for line in lines)


@pytest.mark.parametrize("line", list(_commands()))
def test_a_command_exists(line):
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        _environment_exists(words.pop(0).partition("=")[0])
    if words:
        _CHECKS[words[0].rpartition("/")[2]](words[1:])


def _environment_exists(name):
    assert name in _environment() or not name.startswith("STREAMMAGIC_"), name


def _environment():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "streammagic").rglob("*.py"))
    settings = {f"STREAMMAGIC_{name.upper()}" for name in docs_snippets.from_environment()}
    return settings | set(re.findall(r"STREAMMAGIC_[A-Z_]*[A-Z]", sources))


def _export(words):
    for word in words:
        _environment_exists(word.partition("=")[0])


def _pip(words):
    assert words[0] == "install"
    for word in words[1:]:
        if (found := re.fullmatch(r"(?:streammagic|\.)\[([\w,]+)\]", word)) is not None:
            assert set(found[1].split(",")) <= set(_EXTRAS), word
        else:
            assert word in ("streammagic", "jupyterlab", "nbval", "-q", "-e", "."), word


def _streammagic(words):
    if words[0] in cli._COMMANDS or words[0].startswith("-"):
        assert words == ["--help"] or cli._parser().parse_args(words).run is not None
        return
    assert words[0] in cli._VERBS
    words = [word for word in words if word != "--json"]
    if "--name" in words:
        at = words.index("--name")
        words = [words[0], words[at + 1], *words[1:at], *words[at + 2 :]]
        words = [word for word in words if not word.endswith(".sql")]
    verbs()[words[0]].parse_args(words[1:])


def _docker(words):
    assert words[0] == "compose"
    for flag, name in pairwise(words):
        assert flag != "-f" or (ROOT / name).is_file(), name


def _python(words):
    assert words[:2] == ["-m", "venv"] or (ROOT / words[0]).is_file(), words


def _pytest(words):
    assert "--nbval" in words or "--nbval-lax" in words


_CHECKS = {
    "export": _export,
    "pip": _pip,
    "streammagic": _streammagic,
    "docker": _docker,
    "python": _python,
    "python3": _python,
    "pytest": _pytest,
    "jupyter": lambda words: words[0] in ("lab", "notebook"),
}


# --- names in the text ---


def _spoken(page):
    """Return the code in a page's text."""
    return re.findall(r"`([^`\n]+)`", page.prose)


@pytest.mark.parametrize("page", READ.values(), ids=READ)
def test_the_verbs_and_options_in_the_text_exist(page):
    wrong = []
    for code in _spoken(page):
        found = re.match(r"%%?stream (?:NAME )?([a-z]+)(.*)|streammagic ([a-z]+)(.*)", code)
        if found is None or (found[1] or found[3]) in cli._COMMANDS:
            continue
        verb, rest = found[1] or found[3], found[2] or found[4] or ""
        if verb not in verbs():
            wrong.append(code)
            continue
        options = {"--name", "--json"} if found[3] else set()
        options |= set(verbs()[verb]._option_string_actions)
        wrong += [code for option in re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest) if option not in options]
    assert wrong == []


@pytest.mark.parametrize("page", READ.values(), ids=READ)
def test_the_settings_and_variables_in_the_text_exist(page):
    words = " ".join(_spoken(page)) + _text(page)
    settings = set(re.findall(r"StreamMagic\.(\w+)", words))
    assert settings <= set(StreamMagic.class_trait_names(config=True))
    assert set(re.findall(r"STREAMMAGIC_[A-Z_]*[A-Z]", words)) <= _environment()


@pytest.mark.parametrize("path", PAGES, ids=READ)
def test_the_tables_made_from_the_code_are_up_to_date(path):
    written = path.read_text(encoding="utf-8")
    assert with_tables(written) == written, "run: python tests/docs_snippets.py"


def test_all_pages_are_in_the_menu():
    import yaml

    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert sorted(name for entry in menu for name in entry.values()) == [path.name for path in PAGES]


# --- the reader itself ---


def _read(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return read(path)


def test_an_output_belongs_to_the_cell_above_it(tmp_path):
    page = _read(
        tmp_path, "<!-- runs on: flink -->\nA\n```python\n1\n```\n\n```text\n1\n```\nB\n```bash\nls\n```\n"
    )
    assert isinstance(page, Page)
    assert [(s.language, s.line, s.output) for s in page.snippets] == [("python", 3, "1"), ("bash", 11, None)]
    assert (page.runs_on, page.prose) == (("flink",), "A\n\nB")
    assert CELLS == ("python", "sql")


@pytest.mark.parametrize(
    "text",
    [
        "```python\n1\n```\nwords\n```text\n1\n```\n",
        "- a list\n\n  ```python\n  1\n  ```\n",
        "```\n1\n```\n",
        "```yaml\na: 1\n```\n",
        "```python\n1\n",
        "<!-- raises: SqlError -->\nwords\n",
        "<!-- runs on: spark -->\n",
    ],
)
def test_a_block_that_no_test_would_see_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"docs/page\.md"):
        _read(tmp_path, text)


def test_outputs_are_compared_line_by_line():
    assert same_output("a\n b", "a  \n b\n\n")
    assert same_output("a\n…\nd", "a\nb\nc\nd")
    assert not same_output("a", "a\nb")
    assert not same_output("a…", "ab")
