"""Durations, counts and rates as short words: what a person reads at a glance, not what a machine parses."""

from __future__ import annotations

_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
_TWO_OF_UNIT = 2.0
_LARGE = ((1e9, "G"), (1e6, "M"), (1e4, "k"))
_BYTES = ((2.0**30, "GB"), (2.0**20, "MB"), (2.0**10, "kB"))
_SMALL = 10.0


def duration(seconds: float) -> str:
    """Return a span of time in its largest unit of which it has two at least: "20 ms", "95 s", "3 d"."""
    seconds = max(seconds, 0.0)
    for size, unit in _UNITS:
        if seconds >= _TWO_OF_UNIT * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{1000 * seconds:.0f} ms" if 0 < seconds < 1 else f"{seconds:.0f} s"


def ago(seconds: float) -> str:
    """Return how long ago something was."""
    return "now" if seconds < 1 else f"{duration(seconds)} ago"


def rate(per_second: float) -> str:
    """Return rows per second with two or three digits that mean something, without the unit."""
    for size, letter in _LARGE:
        if per_second >= size:
            return f"{per_second / (size if letter != 'k' else 1e3):.3g} {letter}"
    if per_second >= _SMALL:
        return f"{per_second:,.0f}"
    if per_second == round(per_second):
        return f"{per_second:.0f}"
    return f"{per_second:.1f}" if round(per_second, 1) else "< 0.1"


def share(part: float) -> str:
    """Return a part of the whole (0 to 1) in per cent."""
    return f"{100 * part:.0f} %"


def size(count: float) -> str:
    """Return a number of bytes."""
    for unit, word in _BYTES:
        if count >= unit:
            return f"{count / unit:.3g} {word}"
    return f"{count:.0f} bytes"


def plural(count: int, word: str, many: str = "") -> str:
    """Return a count with its word: "1 row", "2 rows"."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"
