"""The failures of the real Flink 2.3 that tests know: how each is provoked, what it answered, what is told of it."""

import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parent / "engines" / "stacks" / "known_failures.json"

FILES = {
    "bad.json": '{"id": 1}\n{"id": oops}\n',
    "type.json": '{"id": "x"}\n',
    "lacking.json": '{"id": 1}\n',
    "short.csv": "1;2\n",
    "letters.csv": "x,y\n",
}
"""What lies in the folder that statements name as {folder}."""


@dataclass(frozen=True)
class Failure:
    """One failure. ``sql`` fails after ``setup``, with ``settings``.

    ``how`` it can be provoked again: "quick" is a statement that is refused or a query that fails within a
    second; "job" is one whose INSERT fails while it runs; "kafka" needs a broker; "savepoint" and "slow" need
    more than that. ``stack`` is what Flink answered, without its own frames and with fewer expected tokens.
    """

    name: str
    setup: list[str]
    sql: str
    settings: dict[str, str]
    how: str
    kind: str
    message: str
    line: int | None
    column: int | None
    hint: str | None
    link: str | None
    stack: str


FAILURES = [Failure(**each) for each in json.loads(_FILE.read_text(encoding="utf-8"))]
