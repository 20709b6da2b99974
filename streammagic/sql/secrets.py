"""Values that must not be seen: masked in every output, error and title."""

from __future__ import annotations

import re

_MASK = "******"
_OPTION = re.compile(
    r"('[^']*(?:password|passwd|secret|token|credential|api[-_.]?key|jaas\.config)[^']*'\s*=\s*)'(?:[^']|'')*'",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(\w+://[^\s:/@']+:)[^\s@']+@")


def mask(text: str) -> str:
    """Replace the values of options named like a secret, and passwords in URLs, by asterisks."""
    return _URL_PASSWORD.sub(rf"\1{_MASK}@", _OPTION.sub(rf"\1'{_MASK}'", text))
