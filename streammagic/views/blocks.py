"""The small outputs: one line, one preformatted block, and the box that every output is put in."""

from __future__ import annotations

import re
from html import escape

from streammagic.views.cells import visible, visible_lines

PRE = (
    '<pre style="overflow-x:auto;white-space:pre;margin:0;padding:0.25em 0;line-height:1.35">',
    "</pre>",
)
"""A preformatted block that scrolls by itself instead of widening the notebook."""


def box(inner: str, style: str = "") -> str:
    """Put ``inner`` into the one element of an output.

    Its classes tell MathJax 2 (nbconvert, Colab) and 3 (JupyterLab) to leave dollar signs alone; they
    survive the sanitiser, which a ``<style>`` does not.
    """
    attribute = f' style="{style}"' if style else ""
    return f'<div class="streammagic tex2jax_ignore mathjax_ignore"{attribute}>{inner}</div>'


def line_bundle(*lines: str) -> dict[str, str]:
    """Return the bundle of single lines such as ``CREATE TABLE orders: OK``."""
    shown = [visible(line) for line in lines]
    inner = "<br>".join(map(escape, shown))
    return {"text/html": box(inner, "padding:0.25em 0"), "text/plain": "\n".join(shown)}


def entry_bundle(title: str, text: str, example: str, link: str | None) -> dict[str, str]:
    """Return the bundle of a short text with an example: paragraphs, SQL, and the page that says more.

    What stands in back-ticks in the text is code.
    """
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    html = [f'<div style="font-weight:bold;padding:0.25em 0">{escape(title)}</div>']
    html += [f'<div style="padding:0.25em 0;max-width:60em">{_with_code(part)}</div>' for part in paragraphs]
    html.append(escape(example).join(PRE))
    if link:
        address, page = escape(link), escape(link.removeprefix("https://"))
        html.append(f'<div><a href="{address}" target="_blank" rel="noopener">{page}</a></div>')
    parts = [title, text, example, f"See {link}" if link else ""]
    return {"text/html": box("".join(html)), "text/plain": "\n\n".join(filter(None, parts))}


def _with_code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def plan_bundle(text: str, title: str = "") -> dict[str, str]:
    """Return the bundle of preformatted text such as a plan, with an optional title above it."""
    shown, heading = visible_lines(text).rstrip(), visible(title)
    above = f'<div style="font-weight:bold;padding:0.25em 0">{escape(heading)}</div>' if heading else ""
    return {
        "text/html": box(above + escape(shown).join(PRE)),
        "text/plain": f"{heading}\n\n{shown}" if heading else shown,
    }
