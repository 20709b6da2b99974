"""The list of jobs in a live notebook: a table that is kept up to date, with buttons beside each row.

Buttons ask before they act. What they do is done in a thread of its own: a callback must neither block the
kernel nor print, since nobody knows in which cell that would show.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from streammagic.errors import StreamMagicError
from streammagic.views.blocks import PRE, box, line_bundle
from streammagic.views.cells import cut, visible, visible_lines
from streammagic.views.jobs import JobRow, count_line, jobs_bundle, rows_html

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROW = 30  # pixels
_TALLEST = "640px"
_NAME = 24  # characters of a name in a question
_ACTS = {
    "stop": ("Stop", "Stop {} with a savepoint"),
    "savepoint": ("Savepoint", "Save the state of {}, which goes on"),
    "logs": ("Logs", "Show the last log lines about {}"),
}
_DOING = {"stop": "stopping", "savepoint": "saving", "logs": "reading"}
_HARMLESS = frozenset({"logs"})


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A row with what can be done to it: some of "stop", "savepoint", "logs". ``key`` tells rows apart."""

    key: str
    row: JobRow
    acts: tuple[str, ...] = ()


class JobPanel:
    """The view. ``do`` does something to a row, given its key, what, and a way to say how it goes on.

    It returns what came of it, as text, and may raise `StreamMagicError`; it is called in a thread.
    ``refresh`` is called when the person asks for newer figures, ``watch`` when they want them kept new or no
    longer; both must return at once. Any thread may call `update`.
    """

    def __init__(
        self,
        do: Callable[[str, str, Callable[[str], None]], str],
        refresh: Callable[[], None],
        watch: Callable[[bool], None],
    ) -> None:
        import ipywidgets as widgets

        self._do = do
        self._refresh = refresh
        self._watch = watch
        self._watching = False
        self._rows: tuple[PanelRow, ...] = ()
        self._notes: tuple[str, ...] = ()
        self._controls: dict[str, _Controls] = {}
        self._lock = threading.RLock()
        # As few models as possible: each is a message to the front end, and this is painted while one waits.
        plain = widgets.Layout(margin="0 8px 0 0", overflow="auto hidden")
        self._line = widgets.HTML(layout=plain)
        self._table = widgets.HTML(layout=plain)
        self._buttons = widgets.VBox(layout=widgets.Layout(flex="0 0 auto", min_width="200px"))
        self._above = widgets.HBox(
            [self._line], layout=widgets.Layout(align_items="center", min_height="32px")
        )
        both = widgets.HBox(
            [self._table, self._buttons], layout=widgets.Layout(max_height=_TALLEST, overflow="auto")
        )
        self._box = widgets.VBox([self._above, both])
        self._parts: _Parts | None = None
        self._message: Any = None

    @property
    def model_id(self) -> str:
        """The id by which a front end finds the widget."""
        return str(self._box.model_id)

    def update(self, rows: Sequence[PanelRow], notes: Sequence[str] = (), *, stamp: str = "") -> None:
        """Show these rows; ``stamp`` says of when they are."""
        with self._lock:
            self._rows, self._notes = tuple(rows), tuple(notes)
            shown = [row.row for row in rows]
            self._table.value = box(rows_html(shown, _ROW))
            line = " · ".join(filter(None, [count_line(shown), stamp, *notes]))
            self._line.value = box(f'<span role="status" aria-live="off">{escape(visible(line))}</span>')

    def add_buttons(self) -> None:
        """Put buttons beside the rows: apart from `update`, since making many of them takes a moment."""
        with self._lock:
            parts = self._parts or self._add_rest()
            wanted = {row.key: row for row in self._rows}
            for key in set(self._controls) - set(wanted):
                self._controls.pop(key).close()
            for key, row in wanted.items():
                if key not in self._controls:
                    self._controls[key] = _Controls(parts, self._start)
                self._controls[key].offer(row)
            children = (parts.spacer, *(self._controls[row.key].box for row in self._rows))
            if self._buttons.children != children:
                self._buttons.children = children

    def _add_rest(self) -> _Parts:
        """Make what is not needed for the first picture."""
        self._parts = parts = _Parts()
        again = parts.button("Refresh", "Ask the engines again", self._refresh)
        toggle = parts.widgets.ToggleButton(
            value=self._watching,
            description="Keep up to date",
            tooltip="Ask again by itself until this is pressed again",
            layout=parts.layout,
        )
        toggle.observe(lambda change: self._watch(change["new"]), "value")
        self._above.children = (self._line, again, toggle)
        self._message = parts.widgets.HTML()
        self._box.children = (*self._box.children, self._message)
        return parts

    def set_watching(self, *, on: bool) -> None:
        """Show whether it is kept up to date."""
        with self._lock:
            self._watching = on
            if self._parts is not None:
                self._above.children[-1].value = on

    def bundle(self) -> dict[str, Any]:
        """Return the widget, and beside it the table as it is now, for where there are no widgets."""
        with self._lock:
            static = jobs_bundle([row.row for row in self._rows], self._notes, steady=False)
        return static | self._reference()

    def first_bundle(self) -> dict[str, Any]:
        """Return the widget beside one line, for a first picture that another follows at once."""
        with self._lock:
            line = line_bundle(count_line([row.row for row in self._rows]))
        return line | self._reference()

    def _reference(self) -> dict[str, Any]:
        reference = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"application/vnd.jupyter.widget-view+json": reference}

    def _start(self, row: PanelRow, act: str, controls: _Controls) -> None:
        """Do what was asked for, in a thread."""
        controls.say(f"{_DOING[act]} …")
        threading.Thread(
            target=self._run, args=(row, act, controls), name="streammagic-act", daemon=True
        ).start()

    def _run(self, row: PanelRow, act: str, controls: _Controls) -> None:
        name = row.row.name
        try:
            text = self._do(row.key, act, controls.say)
            if act in _HARMLESS:
                self._show_lines(f"log lines about {name}", text)
            else:
                self.tell(f"{name}: {text}")
        except StreamMagicError as error:
            self.tell(f"{name}: {error.message}" + (f" {error.hint}" if error.hint else ""))
        finally:
            controls.say("")

    def tell(self, text: str) -> None:
        """Say something below the table; there must be buttons."""
        shown = escape(visible_lines(text))
        self._message.value = box(f'<div role="status" style="white-space:pre-wrap">{shown}</div>')

    def _show_lines(self, title: str, text: str) -> None:
        heading = f'<div style="font-weight:600">{escape(visible(title))}</div>'
        inner = heading + escape(visible_lines(text)).join(PRE)
        self._message.value = box(inner, "max-height:300px;overflow:auto;padding:0.25em 0")


class _Parts:
    """What the buttons of all rows share: each model is a message to the front end."""

    def __init__(self) -> None:
        import ipywidgets as widgets

        self.widgets: Any = widgets
        self.layout = widgets.Layout(width="auto", height="26px", margin="2px", padding="0 7px")
        self.row = widgets.Layout(height=f"{_ROW}px", margin="0", align_items="center")
        self.style = widgets.ButtonStyle()
        self.spacer = widgets.Box(layout=self.row)

    def button(self, text: str, tooltip: str, clicked: Callable[[], None], style: str = "") -> Any:
        made = self.widgets.Button(
            description=text, tooltip=tooltip, layout=self.layout, style=self.style, button_style=style
        )
        made.on_click(lambda _: clicked())
        return made

    def text(self, text: str) -> Any:
        return self.widgets.HTML(box(escape(visible(text))), layout=self.layout)


class _Controls:
    """The buttons of one row: offers, then asks, then says what is going on."""

    def __init__(self, parts: _Parts, start: Callable[[PanelRow, str, _Controls], None]) -> None:
        self._parts = parts
        self._start = start
        self._row: PanelRow | None = None
        self._offered: tuple[str, ...] | None = None
        self._busy = False
        self._passing: tuple[Any, ...] = ()
        self._made: dict[str, Any] = {}
        self.box = parts.widgets.HBox(layout=parts.row)

    def offer(self, row: PanelRow) -> None:
        """Offer what can be done, unless the person is being asked, or something is being done."""
        self._row = row
        if self._offered != row.acts and not self._busy:
            self._offered = row.acts
            self._show_offers()

    def say(self, text: str) -> None:
        """Say what is going on; "": nothing any more."""
        self._busy = bool(text)
        if text:
            self._show((self._parts.text(cut(text, 2 * _NAME)),))
        else:
            self._show_offers()

    def close(self) -> None:
        """Take the buttons out of the front end."""
        for made in (*self._made.values(), *self._passing, self.box):
            made.close()

    def _show_offers(self) -> None:
        if self._row is not None:
            self._offered = self._row.acts
            self._show()

    def _show(self, passing: tuple[Any, ...] = ()) -> None:
        """Show these in place of the buttons, and take those before out of the front end."""
        before, self._passing = self._passing, passing
        offers = () if self._row is None else self._row.acts
        self.box.children = passing or tuple(self._button(act) for act in offers)
        gone = [self._made.pop(act) for act in set(self._made) - set(offers)]
        for widget in (*before, *gone):
            widget.close()

    def _button(self, act: str) -> Any:
        if act not in self._made:
            word, tooltip = _ACTS[act]
            name = "" if self._row is None else cut(visible(self._row.row.name), 2 * _NAME)
            self._made[act] = self._parts.button(word, tooltip.format(name), lambda: self._clicked(act))
        return self._made[act]

    def _clicked(self, act: str) -> None:
        if self._row is None:
            return
        if act in _HARMLESS:
            self._start(self._row, act, self)
            return
        row, self._busy = self._row, True
        question = f"{_ACTS[act][0]} {cut(visible(row.row.name), _NAME)}?"
        no = self._parts.button("No", "Leave it as it is", lambda: self._answered(None))
        yes = self._parts.button(
            "Yes", question[:-1], lambda: self._answered(lambda: self._start(row, act, self)), "warning"
        )
        self._show((self._parts.text(question), yes, no))
        no.focus()

    def _answered(self, act: Callable[[], None] | None) -> None:
        """Act on the first answer; a second click on it may be under way already."""
        if len(self._passing) > 1:
            self.say("" if act is None else "…")
            if act is not None:
                act()
