"""What deploying would do, said before it is done."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.engines.jobs import Bundle, Comparison, Restore, Words
    from streammagic.jobs.ledger import Deployment, Run

State: TypeAlias = Literal["keep", "drop"]
"""What becomes of a query's state: it goes on from it, or begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What deploying a bundle under a name would do.

    ``action``: "start" a new deployment; leave it "unchanged"; "resume" the same that has ended; or "replace"
    what is there. ``runs`` is the run that a replacement stops, ``restore`` the state to go on from where
    nothing runs. ``comparison`` is None where no other query's state is at stake. ``words`` are the engine's.
    """

    name: str
    action: Literal["start", "unchanged", "resume", "replace"]
    bundle: Bundle
    words: Words
    deployment: Deployment | None = None
    runs: Run | None = None
    comparison: Comparison | None = None
    restore: Restore | None = None

    @property
    def leaves_sink(self) -> bool:
        """Whether the sink's own state finds no place any more."""
        return self.comparison is not None and self.comparison.new_sink

    @property
    def needs_consent(self) -> bool:
        """Whether the person must say that they want it: not where a failed start is repeated."""
        run = None if self.deployment is None else self.deployment.run
        failed = self.action == "resume" and run is not None and run.state == "failed"
        return self.action in ("resume", "replace") and not failed

    @property
    def state(self) -> str:
        """The state that the deployment is in, in one word."""
        run = None if self.deployment is None else self.deployment.run
        return "new" if run is None else run.state

    def lines(self) -> list[str]:
        """Say the plan, a line a step."""
        if self.deployment is None:
            return [f"{self.name}: a new deployment", *_made(self.bundle)]
        number = self.deployment.ordinal(self.deployment.current.number)
        if self.action == "unchanged":
            return [f"{self.name}: unchanged (version {number}, {self.state})"]
        if self.action == "resume":
            return [f"{self.name}: version {number} is {self.state}", f"  starts  it again, {self._source()}"]
        return [
            f"{self.name}: version {number} → {number + 1}",
            *([f"  stops   version {number}, {self.words.stops}"] if self.runs else []),
            f"  starts  version {number + 1}, " + self._source(),
            *self._about_state(),
            "",
            *_difference(self.deployment.current.bundle, self.bundle),
        ]

    def _source(self) -> str:
        if self.runs:
            return self.words.from_stop
        return self.words.without if self.restore is None else self.words.from_last

    def _about_state(self) -> Iterator[str]:
        compared = self.comparison
        if compared is None:
            return
        verdict = {
            "fits": "fits",
            "changed": "fits, but its meaning changes",
            "refused": self.words.unfit,
        }[compared.verdict]
        yield f"  state   {verdict}" + (":" if compared.differences else "")
        yield from (f"          {difference}" for difference in compared.differences)
        if compared.new_sink and compared.verdict != "refused":
            yield "          the sink begins anew; it has committed all that was written"


def _made(bundle: Bundle) -> list[str]:
    return ["", *bundle.table_ddl.splitlines()] if bundle.table_ddl else []


def _asked(bundle: Bundle) -> list[str]:
    """Return what a bundle asks for, with the definition of a table that was made for it."""
    if bundle.table_ddl and not bundle.insert:
        return [*bundle.definitions, bundle.table_ddl]
    return [*bundle.definitions, bundle.table_ddl, bundle.statement]


def _difference(old: Bundle, new: Bundle) -> list[str]:
    texts = [";\n".join(_asked(bundle)).splitlines() for bundle in (old, new)]
    settings = [[f"--set {k}={v}" for k, v in sorted(bundle.settings.items())] for bundle in (old, new)]
    lines = difflib.unified_diff(
        texts[0] + settings[0], texts[1] + settings[1], "deployed", "in this cell", lineterm="", n=2
    )
    return [line for line in lines if not line.startswith("@@")]
