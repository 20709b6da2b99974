"""A diagnosis as a list: what was looked at, how it stands, on what evidence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from streammagic.views.blocks import box
from streammagic.views.cells import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNS = {"healthy": "✓", "degraded": "!", "failing": "✕", "not assessed": "?"}
_COLOURS = {"healthy": "#2f9e44", "degraded": "#c77700", "failing": "#e03131"}
"""Of the signs only, in tones that are read on white and on black; the words say the same."""

_TROUBLE = ("degraded", "failing")


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One thing looked at. ``evidence`` and ``remedy`` may hold foreign text."""

    what: str
    verdict: str
    evidence: str
    remedy: str = ""


def findings_bundle(summary: str, rows: Sequence[FindingRow], *, steady: bool) -> dict[str, str]:
    """Return the findings as HTML and as plain text; ``steady``: without evidence, which always differs."""
    heading = visible(summary)
    wide = max((len(row.what) for row in rows), default=0)
    lines = [heading, ""]
    body = []
    for row in rows:
        evidence = "" if steady else visible(row.evidence)
        remedy = visible(row.remedy) if row.verdict in _TROUBLE else ""
        sign = _SIGNS.get(row.verdict, "?")
        lines.append(f"{sign} {row.what:<{wide}}  {row.verdict}{f': {evidence}' if evidence else ''}")
        lines += [f"  {'':<{wide}}  → {remedy}"] if remedy else []
        body.append(_row_html(row, sign, evidence, remedy))
    html = (
        f'<div style="font-weight:bold;padding:0.25em 0">{escape(heading)}</div>'
        f'<table class="dataframe" style="margin:0"><thead><tr>{_head()}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )
    return {"text/html": box(html), "text/plain": "\n".join(lines)}


_CELL = "padding:0.3em 0.8em;text-align:left;vertical-align:top;"
_NARROW, _WIDE = (
    _CELL + "white-space:nowrap",
    _CELL + "white-space:normal;max-width:46em;overflow-wrap:anywhere",
)


def _head() -> str:
    return "".join(f'<th scope="col" style="{_NARROW}">{name}</th>' for name in ("", "verdict", "evidence"))


def _row_html(row: FindingRow, sign: str, evidence: str, remedy: str) -> str:
    colour = _COLOURS.get(row.verdict)
    mark = f'<b style="color:{colour}">{sign}</b>' if colour else sign
    told = escape(evidence)
    if remedy:
        told += ("<br>" if told else "") + f'<span style="opacity:0.85">→ {escape(remedy)}</span>'
    return (
        f'<tr><th scope="row" style="{_NARROW}">{escape(visible(row.what))}</th>'
        f'<td style="{_NARROW}">{mark} {escape(row.verdict)}</td><td style="{_WIDE}">{told}</td></tr>'
    )
