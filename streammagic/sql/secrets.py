"""Values that must not be seen: where they come from, and that they are masked in every output."""

from __future__ import annotations

import getpass
import os
import re

from streammagic.errors import OptionError

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


_prompted: dict[str, str] = {}


def stored_secret(name: str) -> str | None:
    """Return a secret: the environment variable of that name, else the keyring's, else what was typed.

    It is masked from then on. None where nobody knows it.
    """
    value = os.environ.get(name)
    if value is None:
        try:
            import keyring

            value = keyring.get_password("streammagic", name)
        except Exception:  # noqa: BLE001 - whatever its backend raises: there is no secret to be had from it
            value = None
    if value is None:
        value = _prompted.get(name)
    if value is not None:
        remember(value)
    return value


def ask_for_secret(name: str) -> str | None:
    """Have the person type a secret, kept as long as this process; None where nobody can be asked."""
    try:
        value = getpass.getpass(f"{name}: ")
    except (
        EOFError,
        NotImplementedError,
        OSError,
    ):
        return None
    if value:
        _prompted[name] = value
        remember(value)
    return value or None


def secret(name: str) -> str:
    """Return a secret as `stored_secret` does. Raises `OptionError` where there is none."""
    value = stored_secret(name)
    if value is None:
        raise OptionError(
            f'There is no secret "{name}".',
            hint=f"Set the environment variable {name}, or `keyring set streammagic {name}`.",
        )
    return value
