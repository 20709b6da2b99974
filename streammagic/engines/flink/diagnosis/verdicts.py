"""The four verdicts, as the functions that make findings of them."""

from __future__ import annotations

from streammagic.engines.jobs import Finding

RECENT = 600.0
"""Seconds for which a failure that was overcome is still worth telling."""


def healthy(what: str, evidence: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(what=what, verdict="healthy", evidence=evidence)


def degraded(what: str, evidence: str, remedy: str = "") -> Finding:
    """Say that something works, and worse than it should."""
    return Finding(what=what, verdict="degraded", evidence=evidence, remedy=remedy)


def failing(what: str, evidence: str, remedy: str = "") -> Finding:
    """Say that something does not work."""
    return Finding(what=what, verdict="failing", evidence=evidence, remedy=remedy)


def not_assessed(what: str, why: str) -> Finding:
    """Say that something could not be looked at."""
    return Finding(what=what, verdict="not assessed", evidence=why)
