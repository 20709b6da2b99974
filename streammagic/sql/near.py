"""Near misses: what somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUTOFF = 0.6


def near(name: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Return the names most like one, best first; case counts for nothing."""
    by_folded: dict[str, str] = {}
    for each in known:
        by_folded.setdefault(each.casefold(), each)
    found = difflib.get_close_matches(name.casefold(), by_folded, n=count, cutoff=_CUTOFF)
    return [by_folded[each] for each in found]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean x?" for the nearest name; "" where none is like it, or it is there itself."""
    found = near(name, known)
    return f"Did you mean {found[0]}?" if found and found[0] != name else ""
