from hypothesis import given
from hypothesis import strategies as st

from streammagic.views.cells import visible, width
from streammagic.views.grid import PAGE_WIDTH, draw_grid

CELL = st.none() | st.text(st.characters(codec=None), max_size=80).map(visible)


def places_of_bars(line):
    parts = line.split("│")
    return [width("│".join(parts[: n + 1])) for n in range(len(parts) - 1)]


def test_header_rule_and_aligned_columns():
    assert draw_grid(["name", "n"], [["ann", "1"], ["bob", "12"]], (False, True)) == [
        " name │  n",
        "──────┼────",
        " ann  │  1",
        " bob  │ 12",
    ]


def test_null_is_not_the_string_null():
    assert draw_grid(["a"], [[None], ["NULL"], ['"NULL"']], (False,))[2:] == [" NULL", ' "NULL"', ' ""NULL""']


def test_wide_characters_take_two_columns():
    assert draw_grid(["a", "b"], [["日本", "x"], ["abc", "y"]], (False, False))[2:] == [
        " 日本 │ x",
        " abc  │ y",
    ]


@given(st.lists(st.tuples(CELL.filter(lambda cell: cell is None or "│" not in cell), CELL), max_size=6))
def test_bars_stand_under_each_other_for_any_text(rows):
    lines = draw_grid(["first", "second"], [list(row) for row in rows], (False, True))
    bars = {places_of_bars(line.replace("┼", "│"))[0] for line in lines if not line.startswith("… ")}
    assert len(bars) == 1


def test_the_middle_of_a_wide_table_is_left_out_and_counted():
    names = [f"column_{n}" for n in range(40)]
    lines = draw_grid(names, [["1"] * 40], (True,) * 40)
    assert lines[0].split()[0] == "column_0"
    assert lines[0].split()[-1] == "column_39"
    assert lines[-1] == f"… {40 - lines[0].count('column_')} of 40 columns not shown"


@given(st.lists(st.integers(1, 70), min_size=1, max_size=30))
def test_no_line_exceeds_the_page(widths):
    lines = draw_grid(["x" * n for n in widths], [], (False,) * len(widths))
    assert max(map(width, lines)) <= PAGE_WIDTH
