"""A diagnosis as it is shown."""

from streammagic.views.findings import FindingRow, findings_bundle
from streammagic.views.pages import page_bundle

ROWS = [
    FindingRow("state", "healthy", "running, 2 of 2 tasks run", "never shown"),
    FindingRow("failures", "failing", "<b>For input</b> string: 'x'.", "Use TRY_CAST & co."),
    FindingRow("event time", "not assessed", "no watermarks"),
]


def test_evidence_and_remedy_stand_under_the_verdict():
    assert findings_bundle("orders is failing", ROWS, steady=False)["text/plain"].splitlines() == [
        "orders is failing",
        "",
        "✓ state       healthy: running, 2 of 2 tasks run",
        "✕ failures    failing: <b>For input</b> string: 'x'.",
        "              → Use TRY_CAST & co.",
        "? event time  not assessed: no watermarks",
    ]


def test_a_steady_one_leaves_out_what_always_differs():
    text = findings_bundle("orders is failing", ROWS, steady=True)["text/plain"]
    assert "✓ state       healthy\n" in text
    assert "string" not in text
    assert "TRY_CAST" in text


def test_foreign_text_is_escaped():
    html = findings_bundle("<i>orders</i>", ROWS, steady=False)["text/html"]
    assert "<i>" not in html
    assert "&lt;b&gt;For input&lt;/b&gt;" in html
    assert "TRY_CAST &amp; co." in html


def test_a_page_has_its_sections_in_order():
    part = {"text/html": "<p>x</p>", "text/plain": "x"}
    page = page_bundle("<orders>", [("SQL", part), ("<Graph>", part)])
    assert page["text/plain"] == "<orders>\n\nSQL\n\nx\n\n<Graph>\n\nx"
    assert "&lt;orders&gt;" in page["text/html"]
    assert page["text/html"].count("<p>x</p>") == 2
    assert "<Graph>" not in page["text/html"]
