"""Several outputs under headings, as one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from streammagic.views.blocks import box
from streammagic.views.cells import visible

if TYPE_CHECKING:
    from collections.abc import Sequence


def page_bundle(title: str, sections: Sequence[tuple[str, dict[str, str]]]) -> dict[str, str]:
    """Return bundles one under the other, each with its heading, below a title. All need HTML and text."""
    heading = visible(title)
    html = [f'<div style="font-weight:bold;padding:0.25em 0">{escape(heading)}</div>']
    text = [heading]
    for name, bundle in sections:
        html.append(f'<div style="font-weight:600;padding:0.75em 0 0.1em 0">{escape(visible(name))}</div>')
        html.append(bundle["text/html"])
        text += ["", visible(name), "", bundle["text/plain"]]
    return {"text/html": box("".join(html)), "text/plain": "\n".join(text)}
