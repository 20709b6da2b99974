"""The table of jobs, static and as the live view draws it."""

import re

import pytest

from streammagic.views.jobs import JobRow, count_line, jobs_bundle, rows_html

ORDERS = JobRow(
    name="orders",
    engine="flink",
    state="running",
    version=3,
    sink="orders_out",
    age=95.2,
    restarts=1,
    rows_in=12_345.0,
    rows_out=0.0,
    lag=77,
    backpressure=0.5,
    checkpoint=4.2,
)
BROKEN = JobRow(
    name="broken", engine="flink", state="failed", version=1, reason="For input string: 'x'.", age=10
)
HOSTILE = JobRow(
    name="<img src=x onerror=alert(1)>\u202e",
    engine="</td><script>",
    state="lost",
    sink='"><b>',
    reason="<script>alert(2)</script>",
)


def cells(bundle):
    """Return the rows of the plain table as lists of cells."""
    lines = [line for line in bundle["text/plain"].splitlines() if "│" in line]
    return [[cell.strip() for cell in line.split("│")] for line in lines]


def test_everything_is_shown_where_somebody_looks():
    head, row = cells(jobs_bundle([ORDERS], steady=False))
    assert dict(zip(head, row, strict=True)) == {
        "name": "orders",
        "status": "● running",
        "age": "95 s",
        "restarts": "1",
        "in/s": "12.3 k",
        "out/s": "0",
        "behind": "77 rows, 50 % held up",
        "checkpoint": "4 s ago",
        "sink": "orders_out",
    }


def test_the_engine_is_told_where_there_is_more_than_one():
    other = JobRow(name="b", engine="flink at far", state="running")
    head, _, row = cells(jobs_bundle([ORDERS, other], steady=False))
    assert (head[-1], row[-1]) == ("engine", "flink at far")


def test_a_steady_table_has_only_what_is_the_same_on_the_next_run():
    head, row = cells(jobs_bundle([ORDERS], steady=True))
    assert head == ["name", "version", "engine", "status", "restarts", "sink"]
    assert row == ["orders", "3", "flink", "● running", "1", "orders_out"]
    assert "input string" not in jobs_bundle([BROKEN], steady=True)["text/plain"]


@pytest.mark.parametrize(
    ("lag", "backpressure", "text"),
    [(None, 0.82, "82 % held up"), (0, None, "no"), (None, 0.02, "no"), (12_345, 0.02, "12.3 k rows")],
)
def test_how_far_a_job_is_behind(lag, backpressure, text):
    row = JobRow(name="a", engine="flink", state="running", lag=lag, backpressure=backpressure)
    assert cells(jobs_bundle([row], steady=False))[1][6] == text


def test_what_is_not_known_is_a_dash_and_what_is_over_is_nothing():
    live = JobRow(name="a", engine="flink", state="running")
    over = JobRow(name="b", engine="flink", state="stopped")
    _, first, second = cells(jobs_bundle([live, over], steady=False))
    assert first[3:8] == ["–"] * 5  # noqa: RUF001
    assert second[3:8] == [""] * 5


def test_a_reason_is_told_above_the_table():
    assert "broken: For input string: 'x'." in jobs_bundle([BROKEN], steady=False)["text/plain"]


def test_notes_are_told():
    assert "far: can't be reached" in jobs_bundle([], ["far: can't be reached"], steady=True)["text/plain"]


def test_counts():
    assert count_line([]) == "no jobs"
    assert count_line([ORDERS]) == "1 job: 1 running"
    assert count_line([BROKEN, ORDERS, ORDERS]) == "3 jobs: 2 running, 1 failed"


def test_names_are_harmless_in_both_tables():
    static = jobs_bundle([HOSTILE], ["<i>note</i>"], steady=False)["text/html"]
    live = rows_html([HOSTILE], 30)
    for html in (static, live):
        assert not re.search(r"<(img|script|b|i)\b", html)
        assert "\u202e" not in html
        assert "&lt;img" in html
    assert 'title="&lt;script&gt;alert(2)' in live


def test_a_live_row_is_as_high_as_its_buttons():
    html = rows_html([ORDERS, BROKEN], 30)
    assert html.count("height:30px") == 3
    assert "white-space:pre" in html  # a row that wraps would leave its buttons


def test_colour_is_never_the_only_sign():
    html = rows_html([BROKEN], 30)
    assert re.search(r'<span style="color:#e03131">✕</span> failed', html)


def test_a_long_name_is_cut():
    html = rows_html([JobRow(name="x" * 5000, engine="flink", state="running")], 30)
    assert len(html) < 5000
