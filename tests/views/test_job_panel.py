"""The panel's buttons, clicked as a front end clicks them."""

import re
import threading

import pytest
from waiting import eventually

from streammagic.errors import OptionError
from streammagic.views.job_panel import JobPanel, PanelRow
from streammagic.views.jobs import JobRow

ACTS = ("stop", "savepoint", "logs")


def row(name="orders", state="running", acts=ACTS):
    return PanelRow(f"local {name}", JobRow(name=name, engine="flink", state=state, version=1), acts)


class Panel:
    """A panel with what it asked for."""

    def __init__(self):
        self.done = []
        self.refreshed = 0
        self.watched = []
        self.answer = "stopped with a savepoint · file:/x"
        self.go = threading.Event()
        self.go.set()
        self.panel = JobPanel(self._do, self._refresh, self.watched.append)

    def _do(self, key, act, say):
        say("stopping orders, taking a savepoint")
        assert self.go.wait(10)
        self.done.append((key, act))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def _refresh(self):
        self.refreshed += 1

    def show(self, *rows, notes=()):
        self.panel.update(rows, notes, stamp="at 10:00:00")
        self.panel.add_buttons()

    @property
    def rows(self):
        return self.panel._buttons.children[1:]

    def words(self, at=0):
        """Return the words on a row's buttons, and the text between them."""
        return [getattr(child, "description", "") or text(child.value) for child in self.rows[at].children]

    def click(self, word, at=0):
        next(child for child in self.rows[at].children if child.description == word).click()

    @property
    def message(self):
        return text(self.panel._message.value)


def text(html):
    return re.sub(r"<[^>]+>", "", html)


@pytest.fixture
def panel():
    made = Panel()
    yield made
    made.go.set()
    eventually(
        lambda: not [t for t in threading.enumerate() if t.name == "streammagic-act"], 5, "no thread is left"
    )


def test_a_row_offers_what_can_be_done(panel):
    panel.show(row(), row("old", "stopped", ("logs",)), row("lost", "lost", ()))
    assert panel.words(0) == ["Stop", "Savepoint", "Logs"]
    assert panel.words(1) == ["Logs"]
    assert panel.words(2) == []


def test_stopping_asks_first(panel):
    panel.show(row())
    panel.click("Stop")
    assert panel.words() == ["Stop orders?", "Yes", "No"]
    assert panel.done == []
    panel.click("No")
    assert panel.words() == ["Stop", "Savepoint", "Logs"]
    assert panel.done == []


def test_yes_does_it_and_says_how_it_goes(panel):
    panel.go.clear()
    panel.show(row())
    panel.click("Stop")
    panel.click("Yes")
    eventually(lambda: panel.words() == ["stopping orders, taking a savepoint"], 5, "it says what it does")
    panel.go.set()
    eventually(
        lambda: panel.message == "orders: stopped with a savepoint · file:/x", 5, "it says what came of it"
    )
    eventually(lambda: panel.words() == ["Stop", "Savepoint", "Logs"], 5, "the buttons are back")
    assert panel.done == [("local orders", "stop")]


def test_two_clicks_on_yes_do_it_once(panel):
    panel.go.clear()
    panel.show(row())
    panel.click("Savepoint")
    yes = next(child for child in panel.rows[0].children if child.description == "Yes")
    yes.click()
    yes.click()
    panel.go.set()
    eventually(lambda: panel.message, 5, "it is done")
    assert panel.done == [("local orders", "savepoint")]


def test_a_failure_is_told_with_its_hint(panel):
    panel.answer = OptionError("It does not run.", hint="Resume it <first>.")
    panel.show(row())
    panel.click("Stop")
    panel.click("Yes")
    eventually(lambda: "orders: It does not run. Resume it &lt;first&gt;." in panel.message, 5, "it is told")


def test_logs_need_no_question_and_are_escaped(panel):
    panel.answer = "one\n<script>two</script>"
    panel.show(row())
    panel.click("Logs")
    eventually(lambda: "&lt;script&gt;two" in panel.panel._message.value, 5, "the lines are shown")
    assert panel.done == [("local orders", "logs")]


def test_an_update_leaves_a_question_alone(panel):
    panel.show(row())
    panel.click("Stop")
    panel.show(row())
    assert panel.words() == ["Stop orders?", "Yes", "No"]
    panel.click("No")
    panel.show(row(state="stopped", acts=("logs",)))
    assert panel.words() == ["Logs"]


def test_rows_keep_their_buttons_when_others_come_and_go(panel):
    panel.show(row("a"), row("b"))
    of_b = panel.rows[1]
    panel.show(row("b"), row("c"))
    assert panel.rows[0] is of_b
    assert len(panel.rows) == 2


def test_the_line_above_counts_and_tells_notes(panel):
    panel.show(row(), notes=["far: <can't be reached>"])
    line = text(panel.panel._line.value)
    assert line == "1 job: 1 running · at 10:00:00 · far: &lt;can&#x27;t be reached&gt;"


def test_refresh_and_keep_up_to_date(panel):
    panel.show(row())
    above = panel.panel._box.children[0].children
    above[1].click()
    assert panel.refreshed == 1
    panel.panel.set_watching(on=True)
    above[2].value = False
    assert panel.watched == [True, False]


def test_it_is_watched_from_the_first_picture_on(panel):
    panel.panel.set_watching(on=True)
    panel.show(row())
    assert panel.panel._box.children[0].children[2].value
    assert panel.watched == []  # nobody has pressed anything


def test_a_saved_notebook_has_the_table_without_the_widget(panel):
    panel.show(row("<b>orders"))
    bundle = panel.panel.bundle()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.panel.model_id
    assert "● running" in bundle["text/plain"]
    assert "&lt;b&gt;orders" in bundle["text/html"]


def test_hostile_names_reach_buttons_as_text(panel):
    panel.show(row("<img src=x>\u202e" + "x" * 100))
    panel.click("Stop")
    question = panel.rows[0].children[0].value
    assert "<img" not in question
    assert "\u202e" not in question
    assert len(text(question)) < 60
