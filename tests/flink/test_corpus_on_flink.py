"""The parser of the real Flink takes every statement of the corpus that is said to be of its version."""

import time

import pytest
import requests
from flink_corpus import load

from streammagic.sql.statements import Kind

pytestmark = pytest.mark.flink

PARSE_ERRORS = ("SqlParserException", "SQL parse failed", "SqlParserEOFException", "ParseException")


def answer_of(gateway, sql):
    """Return what the gateway says of one statement in a session of its own: an error, or "" for none."""
    base = f"{gateway}/v3/sessions"
    with requests.Session() as http:
        session = f"{base}/{http.post(base, json={}, timeout=20).json()['sessionHandle']}"
        try:
            return _run(http, session, sql)
        finally:
            http.delete(session, timeout=20)


def _run(http, session, sql):
    submitted = http.post(f"{session}/statements", json={"statement": sql}, timeout=60)
    if not submitted.ok:
        return submitted.text
    operation = f"{session}/operations/{submitted.json()['operationHandle']}"
    while True:
        page = http.get(f"{operation}/result/0?rowFormat=JSON", timeout=60)
        if not page.ok:
            return page.text
        if page.json()["resultType"] != "NOT_READY":
            return ""
        time.sleep(0.005)


def asked(entry):
    """Return what is sent: a query is explained, so that none runs; all else meets no table that is there."""
    is_plain = entry.kind is Kind.QUERY and not entry.text.upper().startswith("EXECUTE")
    return f"EXPLAIN {entry.text}" if is_plain else entry.text


def is_parse_error(said):
    return any(words in said for words in PARSE_ERRORS)


@pytest.mark.parametrize(
    "entry", [entry for entry in load() if not entry.not_sent], ids=lambda entry: entry.place
)
def test_flinks_parser_takes_it(cluster, entry):
    said = answer_of(cluster.gateway, asked(entry))
    assert not is_parse_error(said), said[said.index("parse failed") :][:500]


@pytest.mark.parametrize(
    "sql", ["SELEKT 1", "SELECT FROM", "CREATE TABLE t (a", "SHOW FROBS", "SELECT 'open"]
)
def test_what_is_no_sql_is_a_parse_error(cluster, sql):
    assert is_parse_error(answer_of(cluster.gateway, sql))
