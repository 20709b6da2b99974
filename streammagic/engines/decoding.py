"""How raw JSON values become Python values, as far as that is the same for all engines."""

from __future__ import annotations

import decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Decoder = Callable[[Any], Any]

_DECIMALS = decimal.Context(prec=76)
"""More digits than any engine has: nothing is rounded."""


def as_is(raw: Any) -> Any:
    """Return a value that is what it means."""
    return raw


def nullable(decode: Decoder) -> Decoder:
    """Return a decoder that leaves None as it is."""
    return lambda raw: None if raw is None else decode(raw)


def decimals(scale: int) -> Decoder:
    """Return the decoder of a DECIMAL, whose scale its JSON may have lost."""
    quantum = decimal.Decimal(1).scaleb(-scale)
    return lambda raw: decimal.Decimal(raw).quantize(quantum, context=_DECIMALS)
