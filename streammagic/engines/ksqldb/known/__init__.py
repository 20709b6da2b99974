"""The failures of ksqlDB that are known: how to tell them, what happened in plain words, what to do.

Patterns are those of 7.4's messages, most of them the same from 5.5 to 8.2. They look at a message whose
wrapped lines are joined, without stack lines and without the names of Java's packages.
"""

from streammagic.engines.ksqldb.known.entry import Known
from streammagic.engines.ksqldb.known.joins import JOINS
from streammagic.engines.ksqldb.known.names import NAMES
from streammagic.engines.ksqldb.known.queries import QUERIES
from streammagic.engines.ksqldb.known.rows import ROWS
from streammagic.engines.ksqldb.known.server import (
    BEHIND,
    BY_CODE,
    FENCED,
    IN_DOUBT,
    RATE_LIMIT,
    SAME_COMMAND,
    SERVER,
)
from streammagic.engines.ksqldb.known.sources import SOURCES
from streammagic.engines.ksqldb.known.topics import TOPICS

KNOWN: tuple[Known, ...] = (*NAMES, *QUERIES, *JOINS, *ROWS, *SOURCES, *TOPICS, *SERVER)
"""Known failures, in the order in which they are looked for."""

__all__ = ["BEHIND", "BY_CODE", "FENCED", "IN_DOUBT", "KNOWN", "RATE_LIMIT", "SAME_COMMAND", "Known"]
