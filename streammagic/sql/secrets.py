"""Values that must not be seen: masked in every output, error and title."""

from __future__ import annotations

import re

_MASK = "******"
_OPTION = re.compile(
    r"('[^']*(?:password|passwd|secret|token|credential|api[-_.]?key|jaas\.config)[^']*'\s*=\s*)'(?:[^']|'')*'",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?<!\w)(\w+://[^\s:/@']+:)[^\s@']+@")
_SHORTEST = 4
"""Shorter secrets are not looked for: they stand in every text by chance."""

_known: set[str] = set()


def remember(value: str) -> None:
    """Mask this value from now on, wherever it appears."""
    if len(value) >= _SHORTEST:
        _known.add(value)


def mask(text: str) -> str:
    """Replace secrets by asterisks: known ones, values of options named like one, passwords in URLs."""
    for value in _known:
        text = text.replace(value, _MASK)
    return _URL_PASSWORD.sub(rf"\1{_MASK}@", _OPTION.sub(rf"\1'{_MASK}'", text))
