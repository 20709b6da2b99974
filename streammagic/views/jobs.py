"""Jobs as a table: how each one stands, what goes through it, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from streammagic.views.amounts import ago, duration, rate, share
from streammagic.views.cells import HTML_LIMIT, cut, visible
from streammagic.views.table import TableSnapshot, table_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNS = {
    "running": "●",
    "starting": "◌",
    "restarting": "↻",
    "failing": "✕",
    "stopping": "◌",
    "stopped": "■",
    "finished": "✓",
    "cancelled": "■",
    "failed": "✕",
    "lost": "?",
    "not reached": "?",
    "deleted": "–",  # noqa: RUF001 - a dash as wide as the other signs
}
"""What stands before a state's word: seen at a glance, also where colours are not."""

_COLOURS = {"●": "#2f9e44", "↻": "#c77700", "✕": "#e03131", "?": "#c77700"}
"""Of the signs only, in tones that are read on white and on black; the word says the same."""

_UNKNOWN = "–"  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job as it is shown; names are foreign text. Figures are None where they are not known.

    ``age`` and ``checkpoint`` are seconds since the job started (or ended) and since its last checkpoint,
    ``rows_in`` and ``rows_out`` rows per second, ``lag`` rows that wait, ``backpressure`` a part (0 to 1) of
    the time. ``reason`` says why it is in its state, where that is known.
    """

    name: str
    engine: str
    state: str
    version: int | None = None
    sink: str = ""
    reason: str = ""
    age: float | None = None
    restarts: int | None = None
    rows_in: float | None = None
    rows_out: float | None = None
    lag: int | None = None
    backpressure: float | None = None
    checkpoint: float | None = None


_STEADY = ("name", "version", "engine", "status", "restarts", "sink")
_COLUMNS = (
    "name", "status", "age", "restarts", "in/s", "out/s", "behind", "checkpoint", "sink", "engine",
)  # fmt: skip
_HELD_UP = 0.1  # part of the time from which Flink's own web UI calls it backpressure
_NUMERIC = frozenset({"version", "age", "restarts", "in/s", "out/s", "behind", "checkpoint"})


def jobs_bundle(rows: Sequence[JobRow], notes: Sequence[str] = (), *, steady: bool) -> dict[str, str]:
    """Return the jobs as HTML and as plain text; ``steady``: without what differs from run to run."""
    columns = _STEADY if steady else _telling(rows)
    reasons = [] if steady else [f"{row.name}: {row.reason}" for row in rows if row.reason]
    return table_bundle(
        TableSnapshot(
            columns=columns,
            rows=[[_text(row, column) for column in columns] for row in rows],
            numeric=tuple(column in _NUMERIC for column in columns),
            total=len(rows),
            status=count_line(rows),
            notes=(*reasons, *notes),
        )
    )


def _telling(rows: Sequence[JobRow]) -> tuple[str, ...]:
    """Return the columns without the engine's, where that is the same in all rows."""
    return _COLUMNS if len({row.engine for row in rows}) > 1 else _COLUMNS[:-1]


def count_line(rows: Sequence[JobRow]) -> str:
    """Return how many jobs are in which state: "3 jobs: 2 running, 1 failed"."""
    if not rows:
        return "no jobs"
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    states = ", ".join(f"{counts[state]} {state}" for state in SIGNS if state in counts)
    return f"{len(rows)} job{'' if len(rows) == 1 else 's'}: {states}"


def rows_html(rows: Sequence[JobRow], row_height: int) -> str:
    """Return the table of a live view: every row ``row_height`` pixels high, to stand beside its buttons.

    Made for a widget, whose HTML is not sanitised: everything foreign is escaped.
    """
    columns = _telling(rows)
    cell = "padding:0 0.5em;white-space:pre;border:0;text-align:"
    head = "".join(
        f'<th scope="col" style="{cell}{_side(column)};font-weight:600">{escape(column)}</th>'
        for column in columns
    )
    body = "".join(
        f'<tr style="height:{row_height}px;background:{_stripe(at)}">'
        + "".join(_cell_html(row, column, cell) for column in columns)
        + "</tr>"
        for at, row in enumerate(rows)
    )
    return (
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0;'
        'color:inherit;font-size:inherit;line-height:1.2">'
        f'<thead><tr style="height:{row_height}px;border-bottom:1px solid rgba(128,128,128,0.5)">{head}</tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )


def _stripe(at: int) -> str:
    return "rgba(128,128,128,0.08)" if at % 2 else "transparent"


def _side(column: str) -> str:
    return "right" if column in _NUMERIC else "left"


def _cell_html(row: JobRow, column: str, cell: str) -> str:
    text = visible(_text(row, column) or "")
    title = visible(row.reason) if column == "status" else ""
    if len(text) > HTML_LIMIT:
        title, text = title or text, cut(text, HTML_LIMIT)
    tooltip = f' title="{escape(cut(title, 500))}"' if title else ""
    inner = escape(text)
    if column == "status":
        sign = SIGNS.get(row.state, "")
        colour = _COLOURS.get(sign)
        if colour is not None:
            inner = inner.replace(sign, f'<span style="color:{colour}">{sign}</span>', 1)
    return f'<td style="{cell}{_side(column)}"{tooltip}>{inner}</td>'


def _text(row: JobRow, column: str) -> str | None:
    """Return a cell; "" for what an ended job has no more, a dash for what is not known of a live one."""
    match column:
        case "name":
            return row.name
        case "status":
            return f"{SIGNS.get(row.state, '')} {row.state}".strip()
        case "version":
            return "" if row.version is None else str(row.version)
        case "age":
            return "" if row.age is None else duration(float(int(row.age)))
        case "sink":
            return row.sink
        case "engine":
            return row.engine
        case _:
            return _figure(row, column)


def _figure(row: JobRow, column: str) -> str:
    match column:
        case "restarts":
            return _known(row, None if row.restarts is None else str(row.restarts))
        case "in/s":
            return _known(row, None if row.rows_in is None else rate(row.rows_in))
        case "out/s":
            return _known(row, None if row.rows_out is None else rate(row.rows_out))
        case "checkpoint":
            return _known(row, None if row.checkpoint is None else ago(float(int(row.checkpoint))))
        case _:
            return _known(row, _behind(row))


def _known(row: JobRow, text: str | None) -> str:
    live = row.state in ("running", "starting", "restarting", "failing")
    return text if text is not None else _UNKNOWN if live else ""


def _behind(row: JobRow) -> str | None:
    """Return how far a job is behind: rows that wait, and how much of the time it is held up."""
    if row.lag is None and row.backpressure is None:
        return None
    held = row.backpressure or 0.0
    told = [f"{rate(row.lag)} rows"] if row.lag else []
    told += [f"{share(held)} held up"] if held >= _HELD_UP else []
    return ", ".join(told) or "no"
