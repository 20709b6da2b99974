"""Figures over the last minutes as small charts, and as text where there is no matplotlib."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from streammagic.views.amounts import duration, rate
from streammagic.views.blocks import box
from streammagic.views.cells import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_GREY = "#808080"  # 4:1 on white and on the dark theme's #111: one picture serves both
_STYLES = (("#0072b2", "-"), ("#d55e00", "--"))
"""Two of Okabe and Ito's colours, told apart by every eye and on both grounds; the dashes say the same."""

_WIDTH, _HEIGHT, _DPI = 2.9, 1.75, 110  # inches, inches, dots per inch
_A_ROW = 3
_SHORT = 120.0  # seconds up to which the axis counts seconds
_HINT = "pip install 'streammagic[plot]' draws this as charts."


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over time: seconds since now (negative) and value, None where it was not known."""

    name: str
    points: tuple[tuple[float, float | None], ...]

    @property
    def known(self) -> list[tuple[float, float]]:
        """The points that have a value."""
        return [(at, value) for at, value in self.points if value is not None]


@dataclass(frozen=True, slots=True)
class Chart:
    """Up to two figures of the same unit."""

    title: str
    unit: str
    lines: tuple[Line, ...]


def charts_bundle(title: str, charts: Sequence[Chart]) -> dict[str, str]:
    """Return the charts that have anything to show: as one PNG where matplotlib is, and as text anyway."""
    shown = [chart for chart in charts if any(line.known for line in chart.lines)]
    heading = visible(title)
    if not shown:
        text = f"{heading}\n\nno figures yet"
        return {"text/html": box(escape(text).replace("\n\n", "<br>")), "text/plain": text}
    text = "\n".join([heading, "", *_table(shown)])
    if find_spec("matplotlib") is None:
        lines = "<br>".join(escape(line) for line in (heading, *_table(shown), _HINT))
        return {"text/html": box(lines), "text/plain": f"{text}\n{_HINT}"}
    png = base64.b64encode(_png(shown)).decode()
    alt = escape("; ".join(_table(shown)), quote=True)
    columns = min(len(shown), _A_ROW)
    image = (
        f'<img alt="{alt}" src="data:image/png;base64,{png}" '
        f'style="max-width:100%;width:{round(columns * _WIDTH * 96)}px;background:transparent">'
    )
    head = f'<div style="font-weight:bold;padding:0.25em 0">{escape(heading)}</div>'
    return {"text/html": box(head + image), "image/png": png, "text/plain": text}


def _table(charts: Sequence[Chart]) -> list[str]:
    """Return a line a figure: its newest value, and its least and greatest."""
    lines = []
    for chart in charts:
        for line in chart.lines:
            if not line.known:
                continue
            values = [value for _, value in line.known]
            span = duration(line.known[-1][0] - line.known[0][0])
            name = chart.title if len(chart.lines) == 1 else f"{chart.title} {line.name}"
            between = f" ({rate(min(values))} to {rate(max(values))} in {span})" if len(values) > 1 else ""
            lines.append(f"{name}: {rate(values[-1])} {chart.unit}{between}")
    return lines


def _png(charts: Sequence[Chart]) -> bytes:
    """Draw the charts side by side. Never by pyplot: it is not made for threads."""
    from matplotlib.figure import Figure

    columns = min(len(charts), _A_ROW)
    rows = -(-len(charts) // columns)
    figure = Figure(figsize=(columns * _WIDTH, rows * _HEIGHT), dpi=_DPI, layout="constrained")
    for place, chart in enumerate(charts, start=1):
        _draw(figure.add_subplot(rows, columns, place), chart)
    out = io.BytesIO()
    figure.savefig(out, format="png", transparent=True, metadata={"Software": None})
    return out.getvalue()


def _draw(axes: Any, chart: Chart) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    oldest = min((at for line in chart.lines for at, _ in line.points), default=0.0)
    unit, length = ("minutes", 60.0) if oldest < -_SHORT else ("seconds", 1.0)
    for (colour, dash), line in zip(_STYLES, chart.lines, strict=False):
        times = [at / length for at, _ in line.points]
        values = [math.nan if value is None else value for _, value in line.points]
        marker = "o" if len(line.known) < 2 else None  # noqa: PLR2004 - a line needs two points
        axes.plot(
            times, values, dash, color=colour, linewidth=1.8, marker=marker, markersize=4, label=line.name
        )
    axes.set_title(f"{chart.title} ({chart.unit})", fontsize=9, color=_GREY, loc="left")
    axes.set_xlabel(f"{unit} before now", fontsize=8, color=_GREY)
    axes.set_ylim(bottom=0, top=max(1.1 * axes.get_ylim()[1], _least_top(chart)))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=chart.unit in ("rows", "times")))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: rate(value)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):g}"))
    axes.tick_params(colors=_GREY, labelsize=8)
    axes.grid(visible=True, color=_GREY, alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_GREY)
    if len(chart.lines) > 1:
        axes.legend(fontsize=8, frameon=False, labelcolor=_GREY, loc="best", handlelength=2.2)


def _least_top(chart: Chart) -> float:
    """Return what the axis must reach at least: a per cent scale that ends at 3 % looks like trouble."""
    return {"%": 100.0, "times": 4.0, "rows": 4.0}.get(chart.unit, 1.0)
