"""Pages of an operation's result: when to ask for the next one, and how to read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.engines.flink.types import column
from streammagic.engines.flink.zones import mend
from streammagic.results.changes import Kind, Page, RowKind, Schema

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import tzinfo

POLL_SECONDS = 0.005
"""The first pause after an empty page: the gateway answers at once, also when it has nothing."""
_POLL_MOST = 0.25
_POLL_GROWTH = 1.3

_KINDS = {
    "INSERT": RowKind.INSERT,
    "UPDATE_BEFORE": RowKind.UPDATE_BEFORE,
    "UPDATE_AFTER": RowKind.UPDATE_AFTER,
    "DELETE": RowKind.DELETE,
}


class Pace:
    """How long to wait before asking again: not at all while rows come, ever longer while none do."""

    def __init__(self, interrupted: threading.Event) -> None:
        self._interrupted = interrupted
        self._pause = POLL_SECONDS

    def wait(self) -> None:
        """Wait after an empty page; an interrupt ends the wait."""
        self._interrupted.wait(self._pause)
        self._pause = min(self._pause * _POLL_GROWTH, _POLL_MOST)

    def reset(self) -> None:
        """Start over: rows came."""
        self._pause = POLL_SECONDS


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One answer to a fetch. ``ready`` is False while the statement is being planned and submitted."""

    ready: bool
    last: bool
    job_id: str | None
    is_query: bool
    schema: Schema
    page: Page


class PageReader:
    """Reads the pages of one result. The schema is read once; it does not change.

    ``local`` is the session's time zone where that is not UTC.
    """

    def __init__(self, local: tzinfo | None = None) -> None:
        self._schema: Schema | None = None
        self._exact = False
        self._local = local
        self._mends: list[tuple[int, Callable[[Any], Any]]] = []

    def read(self, raw: bytes) -> ResultPage:
        """Decode a page. Where a DECIMAL is in it, no number passes through float."""
        answer = self._decode(raw)
        if answer["resultType"] == "NOT_READY":
            return ResultPage(
                ready=False, last=False, job_id=None, is_query=False, schema=Schema(), page=Page()
            )
        results = answer["results"]
        if self._schema is None:
            self._schema = Schema(tuple(column(c["name"], c["logicalType"]) for c in results["columns"]))
            self._exact = any(c.type.contains(Kind.DECIMAL) for c in self._schema.columns)
            if self._local is not None:
                mends = [mend(column.type, self._local) for column in self._schema.columns]
                self._mends = [(place, found) for place, found in enumerate(mends) if found is not None]
            if self._exact:
                return self.read(raw)
        for change in results["data"] if self._mends else ():
            for place, mended in self._mends:
                change["fields"][place] = mended(change["fields"][place])
        return ResultPage(
            ready=True,
            last=answer["resultType"] == "EOS",
            job_id=answer.get("jobID"),
            is_query=bool(answer.get("isQueryResult")),
            schema=self._schema,
            page=_page(results["data"]),
        )

    def _decode(self, raw: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(raw, parse_float=Decimal) if self._exact else orjson.loads(raw)
        return decoded


def _page(data: list[dict[str, Any]]) -> Page:
    kinds = [change["kind"] for change in data]
    rows = [change["fields"] for change in data]
    if kinds.count("INSERT") == len(kinds):
        return Page(rows)
    return Page(rows, [_KINDS[kind] for kind in kinds])
