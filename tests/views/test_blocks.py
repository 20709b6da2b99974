import subprocess
import sys

from streammagic.views.blocks import entry_bundle, line_bundle, plan_bundle


def test_a_line_is_escaped_in_html_only():
    bundle = line_bundle("table <orders> created")
    assert bundle["text/plain"] == "table <orders> created"
    assert "table &lt;orders&gt; created" in bundle["text/html"]


def test_a_line_is_one_line():
    assert line_bundle("a\nb")["text/plain"] == "a↵b"


def test_a_plan_keeps_its_shape():
    bundle = plan_bundle("Calc\n+- Scan\n", "Plan")
    assert bundle["text/plain"] == "Plan\n\nCalc\n+- Scan"
    assert "Calc\n+- Scan</pre>" in bundle["text/html"]


def test_a_plan_without_a_title_is_the_plan():
    assert plan_bundle("Calc")["text/plain"] == "Calc"


def test_importing_views_is_cheap():
    program = (
        "import sys\n"
        "from streammagic.views import blocks, errors, live, modes, progress, table\n"
        "print([name for name in ('IPython', 'pandas', 'wcwidth', 'ipykernel') if name in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_entry_has_paragraphs_code_and_a_link_and_its_text_is_foreign():
    bundle = entry_bundle("A<b>", "one `x < y`\ntwo\n\nthree", "SELECT '<'", "https://example.org/a?b&c")
    assert (
        bundle["text/plain"]
        == "A<b>\n\none `x < y`\ntwo\n\nthree\n\nSELECT '<'\n\nSee https://example.org/a?b&c"
    )
    html = bundle["text/html"]
    assert "one <code>x &lt; y</code> two</div>" in html
    assert 'href="https://example.org/a?b&amp;c"' in html
    assert "<b>" not in html
    assert "href" not in entry_bundle("A", "b", "c", None)["text/html"]
