from hypothesis import given
from hypothesis import strategies as st

from streammagic.errors import SqlError
from streammagic.views.cells import width
from streammagic.views.errors import error_card, error_text

CELL = "-- daily orders\n\nselect * frm t\nwhere x > 1\n"
WRONG = SqlError("Flink does not understand 'frm' here.", line=3, column=10, hint="Did you mean FROM?")
ANY_TEXT = st.text(st.characters(codec=None), max_size=300)


def token_under_caret(text):
    """Return what stands above the caret, found by terminal columns."""
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if line.rstrip().endswith("^"))
    start, marks = lines[at].index("^"), lines[at].count("^")
    above, used, found = lines[at - 1], 0, ""
    for char in above:
        if start <= used < start + marks:
            found += char
        used += width(char)
    return found


def test_cause_place_hint_in_this_order():
    assert error_text(WRONG, cell=CELL) == (
        "Flink does not understand 'frm' here.\n"
        "\n"
        "  1 │ -- daily orders\n"
        "  2 │\n"
        "  3 │ select * frm t\n"
        "    │          ^^^\n"
        "  4 │ where x > 1\n"
        "\n"
        "Did you mean FROM?"
    )


def test_the_card_has_the_text_too():
    assert error_card(WRONG, cell=CELL)["text/plain"] == error_text(WRONG, cell=CELL)


def test_the_card_says_it_in_the_same_order():
    html = error_card(WRONG, cell=CELL)["text/html"]
    places = [
        html.index(part) for part in ("does not understand", "daily orders", "^^^", "where x", "Did you")
    ]
    assert places == sorted(places)


def test_without_a_cell_places_are_in_the_statement():
    error = SqlError("No.", statement="select a", line=1, column=8)
    assert token_under_caret(error_text(error)) == "a"


def test_without_a_column_no_caret():
    error = SqlError("No.", statement="select a", line=1)
    assert error_text(error) == "No.\n\n  1 │ select a"


def test_without_a_place_no_excerpt():
    assert error_text(SqlError("No.", statement="select a")) == "No."


def test_a_place_outside_of_the_text_is_no_place():
    assert error_text(SqlError("No.", statement="select a", line=7, column=1)) == "No."


def test_the_end_of_a_line_can_be_the_place():
    error = SqlError("No.", statement="select", line=1, column=7)
    assert error_text(error).splitlines()[-1] == "    │       ^"


def test_the_end_of_the_text_can_be_the_place():
    error = SqlError("No.", statement="select\n", line=2, column=1)
    assert error_text(error).splitlines()[-2:] == ["  2 │", "    │ ^"]


def test_lines_are_counted_as_engines_count_them():
    error = SqlError("No.", statement="a\u2028b\x0cc\r\nwrong", line=2, column=1)
    assert token_under_caret(error_text(error)) == "wrong"


def test_tabs_move_the_caret():
    error = SqlError("No.", statement="a\tb\twrong", line=1, column=5)
    assert token_under_caret(error_text(error)) == "wrong"


def test_wide_characters_move_the_caret_by_two():
    error = SqlError("No.", statement="select '日本語' wrong", line=1, column=14)
    assert token_under_caret(error_text(error)) == "wrong"


def test_wide_characters_move_the_caret_in_html_by_themselves():
    error = SqlError("No.", statement="'日本' wrong", line=1, column=6)
    assert '<span style="visibility:hidden">&#x27;日本&#x27; </span>' in error_card(error)["text/html"]


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_long_line_is_shown_around_the_caret(before, after):
    statement = "a, " * before + "wrong" + ", b" * after
    text = error_text(SqlError("No.", statement=statement, line=1, column=3 * before + 1))
    assert token_under_caret(text) == "wrong"
    assert max(map(len, text.splitlines())) < 120


@given(ANY_TEXT, st.integers(1, 20), st.none() | st.integers(1, 400))
def test_any_text_and_place_give_a_card_that_can_be_sent(text, line, column):
    error = SqlError(text, statement=text, line=line, column=column, cause=text, hint=text, details=text)
    for form in error_card(error).values():
        form.encode()


def test_the_engines_own_words_are_not_lost():
    error = SqlError("The table is missing.", engine="Flink", cause="Object 'x' not found")
    assert error_text(error) == "The table is missing.\n\nFlink said: Object 'x' not found"


def test_the_engines_own_words_are_not_repeated():
    assert error_text(SqlError("Object 'x' not found.", cause="Object 'x' not found")).count("found") == 1


def test_details_are_folded_in_html_and_named_in_text():
    card = error_card(SqlError("No.", details="at a\nat b\n"))
    assert "<details" in card["text/html"]
    assert "at a\nat b</pre></details>" in card["text/html"]
    assert card["text/plain"] == "No.\n\n(2 lines of detail are in this error's .details)"


def test_endless_details_show_their_ends():
    html = error_card(SqlError("No.", details="\n".join(map("line {}".format, range(5000)))))["text/html"]
    assert "line 0\n" in html
    assert "line 4999" in html
    assert "4,600 lines left out" in html


def test_a_message_is_escaped_and_harmless_in_a_terminal():
    card = error_card(SqlError("<b>\x1b[2J"))
    assert "&lt;b&gt;" in card["text/html"]
    assert card["text/plain"] == "<b>\\x1b[2J"


def test_a_page_of_the_documentation_is_linked_in_both_forms():
    error = SqlError("No.", link="https://docs.example.org/a?b=1&c=<x>")
    bundle = error_card(error)
    assert bundle["text/plain"] == "No.\n\nSee https://docs.example.org/a?b=1&c=<x>"
    assert 'href="https://docs.example.org/a?b=1&amp;c=&lt;x&gt;"' in bundle["text/html"]
    assert "href" not in error_card(SqlError("No.", link="javascript:alert(1)"))["text/html"]
