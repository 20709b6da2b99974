"""Who is looking: a terminal, a batch run of a notebook, or a person in front of one."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal, cast, get_args

from streammagic.errors import OptionError

Mode = Literal["text", "batch", "live"]


def display_mode(override: str | None = None) -> Mode:
    """Return how output is to be shown in the cell that is running now.

    ``override`` (from the configuration) wins over ``$STREAMMAGIC_MODE``, which wins over what the
    kernel tells. Raises ``OptionError`` for a word that is no mode.
    """
    wanted = override or os.environ.get("STREAMMAGIC_MODE")
    if wanted:
        return _checked(wanted, source="the configuration" if override else "$STREAMMAGIC_MODE")
    kernel = _kernel()
    if kernel is None:
        return "text"
    if "google.colab" in sys.modules:  # its request headers are its own affair; a person looks at it
        return "live"
    return "live" if _person_can_answer(kernel) else "batch"


def _checked(word: str, *, source: str) -> Mode:
    if word not in get_args(Mode):
        raise OptionError(
            f"There is no display mode {word!r} (from {source}).",
            hint="The modes are text (terminal), batch (one output, when the query has ended) and "
            "live (updates while you watch). Leave it unset to have it detected.",
        )
    return cast("Mode", word)


def _kernel() -> Any:
    """Return the kernel this process is, None outside of one (and where IPython was never started)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None)


def _person_can_answer(kernel: Any) -> bool:
    """Say whether the request being run allows questions: nbclient, nbval and papermill refuse them."""
    parent = kernel.get_parent("shell") or {}
    return bool(parent.get("content", {}).get("allow_stdin", True))
