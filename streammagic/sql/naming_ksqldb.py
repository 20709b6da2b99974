"""Names in ksqlDB's SQL: which need back-ticks, which are the same."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_]*")


def identifier(name: str) -> str:
    """Return a name as SQL has it: bare where that means the same, else in back-ticks."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return "`" + name.replace("`", "``") + "`"


def normal_name(typed: str) -> str:
    """Return the name that is meant: what is quoted as it is, all else in upper case."""
    if typed[:1] in ("`", '"'):
        return bare(typed)
    return typed.upper()


def bare(text: str) -> str:
    """Return a token without its quotes."""
    quote = text[:1]
    if quote not in ("'", '"', "`") or len(text) == 1 or text[-1] != quote:
        return text
    return text[1:-1].replace(quote * 2, quote)


RESERVED = frozenset(
    """
ADVANCE ALL AND AS AT BEGINNING BETWEEN BY CASE CAST CATALOG CONNECTOR CONNECTORS CREATE DAYS DECIMAL
DELETE DESCRIBE DISTINCT DROP ELSE END EXISTS EXPORT EXTENDED FALSE FROM FULL GROUP HAVING HOPPING HOURS
IN INNER INSERT INTO IS JOIN LEFT LIKE LIMIT LIST LOAD MATERIALIZED MILLISECOND MILLISECONDS MINUTES
MONTHS NAMESPACE NOT NULL ON OR OUTER PAUSE PRINT PROPERTIES QUERIES QUERY RENAME RESUME RETENTION RIGHT
RUN SAMPLE SCRIPT SECONDS SELECT SIZE STREAM STREAMS TABLE TERMINATE THEN TO TOPIC TOPICS TRUE TUMBLING
UNSET VALUES VIEW WHEN WHERE WINDOW WITH WITHIN YEARS
    """.split()  # noqa: SIM905 - a list of words is read as one
)
"""What ksqlDB does not take for a name without quotes: its grammar's words less the non-reserved ones."""
