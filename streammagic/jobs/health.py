"""How a job stands altogether, given what was found one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.engines.jobs import Finding

Verdict = Literal["healthy", "degraded", "failing", "not assessed"]

_WORST_FIRST: tuple[Verdict, ...] = ("failing", "degraded", "healthy")


def overall(findings: Sequence[Finding]) -> Verdict:
    """Return the worst verdict; "not assessed" only where nothing was."""
    found = {finding.verdict for finding in findings}
    return next((verdict for verdict in _WORST_FIRST if verdict in found), "not assessed")


def summary(name: str, findings: Sequence[Finding]) -> str:
    """Return a sentence about all of it: "orders is failing: failures, restarts"."""
    verdict = overall(findings)
    if verdict == "not assessed":
        return f"{name} could not be assessed"
    troubled = [finding.what for finding in findings if finding.verdict == verdict]
    unseen = [finding.what for finding in findings if finding.verdict == "not assessed"]
    line = f"{name} is {verdict}" + (f": {', '.join(troubled)}" if verdict != "healthy" else "")
    return line + (f" (not assessed: {', '.join(unseen)})" if unseen else "")
