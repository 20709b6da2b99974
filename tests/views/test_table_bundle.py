from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.views.cells import HTML_LIMIT, TITLE_LIMIT, visible
from streammagic.views.table import TableSnapshot, table_bundle

SMALL = TableSnapshot(
    columns=("name", "n"), rows=[["ann", "1"], ["bob", None]], numeric=(False, True), total=2
)
ANY_TEXT = st.text(st.characters(codec=None), max_size=200)


class Outline(HTMLParser):
    """The structure of a fragment: its tags in order, its cells' texts, all attributes."""

    def __init__(self, fragment):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.cells, self.attributes, self.text = [], [], [], [], ""
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


def html(snapshot):
    return table_bundle(snapshot)["text/html"]


def text(snapshot):
    return table_bundle(snapshot)["text/plain"]


def test_the_cells_in_their_order():
    assert Outline(html(SMALL)).cells == ["name", "n", "ann", "1", "bob", "NULL"]


def test_the_text_form():
    assert text(SMALL) == " name │    n\n──────┼──────\n ann  │    1\n bob  │ NULL\n2 rows"


def test_numbers_stand_right_and_text_left():
    fragment = html(SMALL)
    assert 'text-align:right">1<' in fragment
    assert 'text-align:left">ann<' in fragment


def test_headers_are_headers():
    assert Outline(html(SMALL)).attributes.count(("th", "scope", "col")) == 2


def test_null_is_dim_italics_and_the_string_is_not():
    fragment = html(replace(SMALL, rows=[["NULL", None]]))
    assert ">NULL</td>" in fragment
    assert '<i style="opacity:0.5">NULL</i></td>' in fragment


@given(st.lists(st.tuples(ANY_TEXT, st.none() | ANY_TEXT), max_size=4), ANY_TEXT, ANY_TEXT)
def test_no_text_breaks_the_structure(rows, name, status):
    given_ = TableSnapshot(
        columns=(name, "n"), rows=[list(r) for r in rows], numeric=(False, True), total=9, status=status
    )
    plain = TableSnapshot(
        columns=("x", "n"),
        rows=[["x" if cell is not None else None for cell in row] for row in rows],
        numeric=(False, True),
        total=9,
        status="x" if status else "",
    )
    outline = Outline(html(given_))
    assert outline.open == []
    assert outline.tags == Outline(html(plain)).tags
    assert [cell for cell in outline.cells[2:] if len(cell) < HTML_LIMIT] == [
        shown for row in rows for c in row if len(shown := "NULL" if c is None else visible(c)) < HTML_LIMIT
    ]


@given(ANY_TEXT)
def test_the_bundle_can_be_sent(cell):
    for form in table_bundle(replace(SMALL, rows=[[cell, cell]], status=cell, notes=(cell,))).values():
        form.encode()


def test_nothing_that_a_sanitiser_removes_carries_the_look():
    fragment = html(SMALL)
    assert "<style" not in fragment
    assert "<script" not in fragment


def test_dollars_are_kept_from_mathjax():
    assert html(SMALL).startswith('<div class="streammagic tex2jax_ignore mathjax_ignore">')


def test_long_text_is_cut_and_whole_in_the_tooltip():
    outline = Outline(html(replace(SMALL, rows=[['"' * 400, "1"]])))
    assert outline.cells[2] == '"' * (HTML_LIMIT - 1) + "…"
    assert ("td", "title", '"' * 400) in outline.attributes


def test_the_tooltip_has_an_end():
    outline = Outline(html(replace(SMALL, rows=[["x" * 10**6, "1"]])))
    assert max(len(value) for _, name, value in outline.attributes if name == "title") == TITLE_LIMIT


def test_rows_left_out_are_counted_on_their_side():
    shown = replace(SMALL, position=10, total=1_020)
    assert text(shown).splitlines()[0] == "… 10 earlier rows"
    assert text(shown).splitlines()[-1] == "… 1,008 more rows"


def test_a_single_row_is_not_plural():
    assert text(replace(SMALL, rows=[["ann", "1"]], total=1)).endswith("\n1 row")


def test_a_status_makes_the_count_superfluous():
    lines = text(replace(SMALL, status="running · 2 rows", notes=("a note",))).splitlines()
    assert lines[:2] == ["running · 2 rows", "a note"]
    assert lines[-1] == " bob  │ NULL"


def test_an_empty_result_has_a_header_and_says_so():
    empty = replace(SMALL, rows=[], total=0)
    assert text(empty) == " name │ n\n──────┼───\nno rows"
    assert Outline(html(empty)).cells == ["name", "n"]
    assert "no rows" in html(empty)


def test_a_table_without_columns_is_its_count():
    none = TableSnapshot(columns=(), rows=[[], []], numeric=(), total=2)
    assert text(none) == "2 rows"
    assert "<table" not in html(none)


def test_kinds_of_change_are_signs_with_words():
    minus = "\N{MINUS SIGN}"
    words = ["+ insert", f"{minus} before", "~ after", f"{minus} delete"]
    changes = replace(SMALL, rows=[["ann", "1"]] * 4, kinds=["+I", "-U", "+U", "-D"], total=4)
    assert [line.split("│")[0].strip() for line in text(changes).splitlines()[2:-1]] == words
    assert Outline(html(changes)).cells[3::3] == words


def test_only_the_last_snapshot_is_announced():
    running = replace(SMALL, status="running")
    assert ("div", "aria-live", "off") in Outline(html(running)).attributes
    assert ("div", "aria-live", "polite") in Outline(html(replace(running, announce=True))).attributes


def test_the_scrolling_box_has_a_name():
    assert ("div", "aria-label", "table of 2 rows, 2 shown, 2 columns") in Outline(html(SMALL)).attributes


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="argument"):
        table_bundle(replace(SMALL, rows=[["only one"]]))


def test_the_same_snapshot_gives_the_same_bytes():
    assert table_bundle(SMALL) == table_bundle(replace(SMALL))
