"""``%stream show``: all that is known of one deployment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streammagic.sql.secrets import mask
from streammagic.views.amounts import ago
from streammagic.views.blocks import line_bundle, plan_bundle
from streammagic.views.pages import page_bundle
from streammagic.views.sparks import Chart, Line
from streammagic.views.table import TableSnapshot, table_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.engines.jobs import Bundle
    from streammagic.jobs.ledger import Deployment
    from streammagic.jobs.listing import Entry
    from streammagic.jobs.samples import Sample


def job_page(entry: Entry, plan: str, *, steady: bool) -> dict[str, str]:
    """Return a page about a job; ``steady``: without what differs from run to run."""
    sections = []
    deployment = entry.deployment
    if deployment is not None:
        sections.append(("SQL", plan_bundle(_sql(deployment.current.bundle))))
    if plan:
        sections.append(("Graph", plan_bundle(plan)))
    if deployment is not None:
        sections.append(("Versions", table_bundle(_versions(deployment, steady=steady))))
        if entry.saves:
            sections.append(("Savepoints", _savepoints(deployment, steady=steady)))
    version = "" if entry.version is None else f", version {entry.version}"
    sink = f", writes {entry.sink}" if entry.sink else ""
    reason = f": {entry.reason}" if entry.reason and not steady else ""
    return page_bundle(f"{entry.name} is {entry.state}{version}{sink}{reason}", sections)


def _sql(bundle: Bundle) -> str:
    """Return what it takes to have this deployment again, as it was typed."""
    if not bundle.statement:
        return "-- not known: it was deployed from elsewhere"
    settings = [f"SET '{key}' = '{value}'" for key, value in bundle.settings.items()]
    parts = [*settings, *bundle.definitions, *bundle.sent]
    return mask("\n\n".join(f"{part.rstrip().rstrip(';')};" for part in parts))


def _versions(deployment: Deployment, *, steady: bool) -> TableSnapshot:
    runs = {run.version: run for run in deployment.runs}
    rows: list[list[str | None]] = []
    for version in reversed(deployment.versions):
        if version.created < deployment.created:
            break  # of a time before it was deleted
        run = runs.get(version.number)
        row: list[str | None] = [
            str(deployment.ordinal(version.number)),
            version.sha,
            "" if run is None else run.state,
        ]
        rows.append(row if steady else [*row, _since(version.created), version.who, version.notebook])
    columns = ("version", "hash", "last run", "deployed", "by", "in")[: 3 if steady else 6]
    numeric = tuple(column == "version" for column in columns)
    return TableSnapshot(columns=columns, rows=rows, numeric=numeric, total=len(rows))


def _savepoints(deployment: Deployment, *, steady: bool) -> dict[str, str]:
    if not deployment.savepoints:
        return line_bundle("none")
    rows: list[list[str | None]] = []
    for saved in reversed(deployment.savepoints):
        row: list[str | None] = [str(deployment.ordinal(saved.version)), saved.kind]
        rows.append(row if steady else [*row, _since(saved.created), saved.path])
    columns = ("version", "kind", "taken", "path")[: 2 if steady else 4]
    numeric = tuple(column == "version" for column in columns)
    return table_bundle(TableSnapshot(columns=columns, rows=rows, numeric=numeric, total=len(rows)))


def _since(at: float) -> str:
    return ago(time.time() - at)


def figure_charts(samples: Sequence[Sample], now: float) -> list[Chart]:
    """Return what is drawn of a job's samples."""

    def line(name: str, of: str, factor: float = 1.0) -> Line:
        points = [(sample.at - now, getattr(sample.figures, of)) for sample in samples]
        return Line(name, tuple((at, None if value is None else value * factor) for at, value in points))

    return [
        Chart("Rows", "rows/s", (line("in", "rows_in"), line("out", "rows_out"))),
        Chart("Waiting", "rows", (line("at the sources", "lag"),)),
        Chart("Held up", "%", (line("worst vertex", "backpressure", 100.0),)),
        Chart("Restarts", "times", (line("since the start", "restarts"),)),
    ]
