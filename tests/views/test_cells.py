import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.views.cells import cut, cut_to_width, pad, visible, visible_lines, width

ANY_TEXT = st.text(st.characters(codec=None))  # half characters (surrogates) too: JSON can carry them


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\tc\rd", "a↵b⇥c\\rd"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("a\u00a0b", "a\u00a0b"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("👩\u200d", "👩\\u200d"),
    ],
)
def test_signs_of_what_cannot_be_seen(text, shown):
    assert visible(text) == shown


def test_lines_are_kept_where_lines_are_wanted():
    assert visible_lines("a\r\n\tb\x07") == "a\n    b\\x07"


@given(ANY_TEXT)
def test_visible_text_can_be_sent_and_stays_on_its_line(text):
    shown = visible(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1


@given(ANY_TEXT)
def test_visible_text_has_a_width(text):
    assert width(visible(text)) >= 0


def test_what_was_cut_ends_in_dots():
    assert cut("abcdef", 4) == "abc…"


def test_what_fits_is_not_cut():
    assert cut("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "shown"), [("日本語テキスト", "日本…"), ("日本", "日本"), ("abcdef", "abcd…")]
)
def test_wide_characters_are_cut_by_their_width(text, shown):
    assert cut_to_width(text, 5) == shown


@given(ANY_TEXT, st.integers(4, 50), st.booleans())
def test_padded_text_has_the_width_asked_for(text, limit, right):
    shown = cut_to_width(visible(text), limit)
    assert width(pad(shown, limit + 60, right=right)) == limit + 60
