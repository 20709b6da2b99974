"""An engine's side of a query, as a list of what happens."""

import threading

from streammagic.engines.flink.types import column
from streammagic.results.changes import Page, RowKind, Schema
from streammagic.results.feed import Bounds, Feed
from streammagic.results.handle import Handle, Presentation

PATIENCE = 20
UNTIL_INTERRUPTED = object()
"""A step of a script: nothing comes until the cursor is interrupted."""

ID_NAME = Schema(
    (
        column("id", {"type": "INTEGER", "nullable": True}),
        column("name", {"type": "VARCHAR", "nullable": True, "length": 2147483647}),
    )
)


class ScriptedCursor:
    """A `Cursor` that gives pages, raises exceptions, waits for events and calls functions, in order."""

    def __init__(self, *steps, schema=ID_NAME, is_query=True, closing=None, notes=(), job_id="f00d"):
        self.schema = schema
        self.job_id = job_id
        self.is_query = is_query
        self.notes = list(notes)
        self.reads_from = ""
        self.closed = 0
        self.closing_thread = None
        self._steps = steps
        self._closing = closing
        self._interrupted = threading.Event()

    def __iter__(self):
        for step in self._steps:
            if self._interrupted.is_set():
                return
            if isinstance(step, Page):
                yield step
            elif isinstance(step, Exception):
                raise step
            elif isinstance(step, threading.Event):
                assert step.wait(PATIENCE)
            elif step is UNTIL_INTERRUPTED:
                assert self._interrupted.wait(PATIENCE)
            else:
                step()

    def interrupt(self):
        self._interrupted.set()

    def silence(self):
        return []

    def close(self):
        self.closed += 1
        self.closing_thread = threading.current_thread()
        if self._closing is not None:
            raise self._closing


def inserts(*rows):
    return Page([list(row) for row in rows])


def page(*changes):
    """Build a page from pairs like ``("+I", row)``."""
    return Page([list(row) for _, row in changes], [RowKind(kind) for kind, _ in changes])


def started(cursor, **options):
    """Start a feed on a cursor; ``changed`` and ``failed`` are the feed's, the others its bounds."""
    callbacks = {name: options.pop(name) for name in ("changed", "failed") if name in options}
    feed = Feed(lambda: cursor, Bounds(**options), **callbacks)
    feed.start()
    return feed


def ended(cursor, **options):
    """Start a feed and wait for its end."""
    feed = started(cursor, **options)
    assert feed.wait_until_ended(PATIENCE)
    return feed


def handle_on(feed, sql="SELECT id, name FROM t", **presentation):
    return Handle(sql, feed, Presentation(title="SELECT", **presentation))
