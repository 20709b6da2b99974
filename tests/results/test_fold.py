"""The fold is the multiset that the changelog describes, whatever it is cut into."""

from collections import Counter
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streammagic.results.changes import Page, RowKind
from streammagic.results.fold import ExactFold, KeyedFold

INSERT, UPDATE_BEFORE, UPDATE_AFTER, DELETE = RowKind

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 0.0, -0.0, 1.0, "", "1", "true", "ü", "😀", "\x00", "a\nb"]),
    st.sampled_from([2**53 + 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**37]),
    st.sampled_from([Decimal(1), Decimal("1.0"), Decimal("1.00"), Decimal("-0"), Decimal("1e-18")]),
    st.text(max_size=3),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=2)
    ),
    max_leaves=4,
)
rows_of_two = st.lists(values, min_size=2, max_size=2)


def identity(row):
    """What makes two rows the same row, told apart by type as JSON does."""
    match row:
        case list():
            return "[" + ",".join(map(identity, row)) + "]"
        case dict():
            return "{" + ",".join(sorted(f"{key!r}:{identity(value)}" for key, value in row.items())) + "}"
        case _:
            return f"{type(row).__name__}:{row!r}"


def multiset(rows):
    return Counter(map(identity, rows))


@st.composite
def changelogs(draw):
    """A well-formed changelog and the rows that it leaves."""
    alphabet = draw(st.lists(rows_of_two, min_size=1, max_size=5))
    row = st.sampled_from(alphabet)
    changes, present, on_their_way = [], [], []
    for _ in range(draw(st.integers(0, 30))):
        action = draw(st.sampled_from(["insert", "delete", "update", "before", "after"]))
        if action == "insert":
            present.append(draw(row))
            changes.append((INSERT, present[-1]))
        elif action == "after" and on_their_way:
            present.append(on_their_way.pop())
            changes.append((UPDATE_AFTER, present[-1]))
        elif action in ("delete", "update", "before") and present:
            old = present.pop(draw(st.integers(0, len(present) - 1)))
            changes.append((DELETE if action == "delete" else UPDATE_BEFORE, old))
            if action == "update":
                present.append(draw(row))
                changes.append((UPDATE_AFTER, present[-1]))
            elif action == "before":
                on_their_way.append(draw(row))
    return changes, present


@st.composite
def paged(draw, changes):
    pages, start = [], 0
    while start < len(changes):
        size = draw(st.integers(1, 7))
        part = changes[start : start + size]
        kinds = [kind for kind, _ in part]
        rows = [
            orjson.loads(orjson.dumps(row)) if draw(st.booleans()) and plain(row) else row for _, row in part
        ]
        pages.append(Page(rows, None if set(kinds) == {INSERT} else kinds))
        start += size
    return pages


def plain(row):
    """Tell whether a row comes back from JSON as it was."""
    try:
        return identity(orjson.loads(orjson.dumps(row))) == identity(row)
    except TypeError:
        return False


def page(*changes):
    """Build a page from pairs like ``("+I", row)``."""
    return Page([row for _, row in changes], [RowKind(kind) for kind, _ in changes])


def inserts(*rows):
    return Page(list(rows))


def folded(*pages, **options):
    fold = ExactFold(**options)
    for one in pages:
        fold.apply(one)
    return fold


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_fold_of_any_well_formed_changelog_is_its_multiset(data):
    changes, expected = data.draw(changelogs())
    fold = folded(*data.draw(paged(changes)))
    assert multiset(fold.rows()) == multiset(expected)
    assert (len(fold), fold.unmatched, fold.dropped) == (len(expected), 0, 0)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_fold_is_the_same_multiset_with_a_place(data):
    changes, expected = data.draw(changelogs())
    fold = folded(*data.draw(paged(changes)), place=(0,))
    assert multiset(fold.rows()) == multiset(expected)
    assert (len(fold), fold.unmatched) == (len(expected), 0)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_prefix_shows_only_rows_that_are_there(data):
    changes, _ = data.draw(changelogs())
    fold, present = ExactFold(), Counter()
    for kind, row in changes:
        fold.apply(page((kind, row)))
        present[identity(row)] += 1 if kind in (INSERT, UPDATE_AFTER) else -1
        assert multiset(fold.rows()) == +present


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_window_is_a_slice_of_all_rows(data):
    changes, _ = data.draw(changelogs())
    fold = folded(*data.draw(paged(changes)))
    start, stop = data.draw(st.integers(0, 12)), data.draw(st.integers(0, 12))
    assert fold.rows(start, stop) == fold.rows()[start:stop]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_apply_until_stops_at_the_change_that_reaches_the_limit(data):
    changes, _ = data.draw(changelogs())
    limit = data.draw(st.integers(1, 6))
    size, needed = 0, None
    for i, (kind, _) in enumerate(changes):
        size += 1 if kind in (INSERT, UPDATE_AFTER) else -1
        if size == limit:
            needed = i + 1
            break
    fold, applied = ExactFold(), 0
    for one in data.draw(paged(changes)):
        found = fold.apply_until(one, limit)
        applied += len(one) if found is None else found
        if found is not None:
            break
    assert applied == (len(changes) if needed is None else needed)
    assert multiset(fold.rows()) == multiset(folded(page(*changes[:applied])).rows())


@pytest.mark.parametrize(
    ("row", "other"),
    [
        ([0.0], [-0.0]),
        ([1], [True]),
        ([1], [1.0]),
        (["1"], [1]),
        ([None], ["null"]),
        ([Decimal("1.0")], [Decimal("1.00")]),
    ],
)
def test_rows_that_python_or_text_would_confuse_stay_apart(row, other):
    fold = folded(inserts(row, other), page(("-D", list(other))))
    assert list(map(identity, fold.rows())) == [identity(row)]
    assert fold.unmatched == 0


def test_maps_are_equal_whatever_the_order_of_their_entries():
    fold = folded(inserts([{"a": 1, "b": 2}]), page(("-D", [{"b": 2, "a": 1}])))
    assert (len(fold), fold.unmatched) == (0, 0)


def test_an_update_pair_keeps_the_place_of_the_row():
    fold = folded(inserts(["a", 1], ["b", 1], ["c", 1]), page(("-U", ["b", 1]), ("+U", ["b", 2])))
    assert fold.rows() == [["a", 1], ["b", 2], ["c", 1]]


def test_an_update_pair_cut_in_two_keeps_the_place_of_the_row():
    fold = folded(inserts(["a", 1], ["b", 1]), page(("-U", ["a", 1])), page(("+U", ["a", 2])))
    assert fold.rows() == [["a", 2], ["b", 1]]


def test_a_vacated_row_is_not_shown_between_pages():
    fold = folded(inserts(["a", 1], ["b", 1]), page(("-U", ["a", 1])))
    assert fold.rows() == [["b", 1]]
    assert len(fold) == 1


def test_an_insert_after_an_update_before_goes_to_the_end():
    fold = folded(inserts(["a", 1], ["b", 1]), page(("-U", ["a", 1]), ("+I", ["c", 1]), ("+U", ["a", 2])))
    assert fold.rows() == [["b", 1], ["c", 1], ["a", 2]]


def test_a_place_is_kept_by_key_when_pairs_are_not_adjacent():
    fold = folded(
        inserts(["a", 1], ["b", 1], ["c", 1]),
        page(("-U", ["a", 1]), ("-U", ["b", 1]), ("+U", ["b", 2]), ("+U", ["a", 2])),
        place=(0,),
    )
    assert fold.rows() == [["a", 2], ["b", 2], ["c", 1]]


def test_a_place_is_kept_by_key_across_an_insert():
    fold = folded(
        inserts(["a", 1], ["b", 1]), page(("-U", ["a", 1]), ("+I", ["c", 1]), ("+U", ["a", 2])), place=(0,)
    )
    assert fold.rows() == [["a", 2], ["b", 1], ["c", 1]]


def test_a_row_with_a_new_key_takes_the_place_of_the_row_that_it_updates():
    fold = folded(inserts(["a", 1], ["b", 1]), page(("-U", ["a", 1]), ("+U", ["z", 2])), place=(0,))
    assert fold.rows() == [["z", 2], ["b", 1]]


def test_rows_of_one_key_keep_their_places_when_one_of_them_is_deleted():
    fold = folded(
        inserts(["a", 1], ["a", 2], ["b", 1]),
        page(("-D", ["a", 1]), ("-U", ["a", 2]), ("+U", ["a", 3])),
        place=(0,),
    )
    assert fold.rows() == [["a", 3], ["b", 1]]


def test_a_deleted_key_that_comes_again_goes_to_the_end():
    fold = folded(inserts(["a", 1], ["b", 1]), page(("-D", ["a", 1]), ("+I", ["a", 2])), place=(0,))
    assert fold.rows() == [["b", 1], ["a", 2]]


def test_keys_that_are_gone_take_no_memory():
    fold = folded(inserts(["0", 0]), place=(0,))
    for i in range(5000):
        fold.apply(page(("-U", [str(i), i]), ("+U", [str(i + 1), i + 1])))
    assert len(fold) == 1
    assert len(fold._table._places) < 2000


def test_a_table_that_only_grows_has_no_index():
    fold = folded(*(inserts([i], [i]) for i in range(50)))
    assert fold.append_only
    assert fold._table is None
    assert len(fold) == 100


def test_a_page_that_names_its_inserts_one_by_one_is_counted_too():
    fold = folded(page(("+I", [1]), ("+I", [2])))
    assert fold.rows() == [[1], [2]]


def test_the_first_retraction_finds_rows_of_earlier_pages():
    fold = folded(inserts([1], [2]), inserts([3]), page(("-D", [2])))
    assert fold.rows() == [[1], [3]]
    assert not fold.append_only


def test_an_empty_page_changes_nothing():
    fold = folded(Page(), Page([], []))
    assert (len(fold), fold.append_only, fold.rows()) == (0, True, [])


@pytest.mark.parametrize("kind", ["-D", "-U"])
def test_a_retraction_of_a_row_that_never_was_is_counted_and_ignored(kind):
    fold = folded(inserts([1]), page((kind, [2])))
    assert fold.rows() == [[1]]
    assert fold.unmatched == 1


def test_an_update_after_a_retraction_of_nothing_is_a_new_row():
    fold = folded(inserts([1]), page(("-U", [2]), ("+U", [3])))
    assert fold.rows() == [[1], [3]]
    assert fold.unmatched == 1


def test_the_budget_drops_the_oldest_rows_of_a_growing_table_and_counts_them():
    fold = ExactFold(budget=50_000)
    for i in range(200):
        fold.apply(inserts(*([i, j] for j in range(10))))
    kept = fold.rows()
    assert kept == [[i, j] for i in range(200) for j in range(10)][-len(kept) :]
    assert fold.dropped == 2000 - len(kept) > 0
    assert fold.partial


def test_memory_stays_within_the_budget_over_many_pages():
    fold = ExactFold(budget=50_000)
    for i in range(300):
        fold.apply(inserts(*([i, j] for j in range(5))))
        assert fold.nbytes <= 50_000


def test_the_budget_of_a_retractable_table_drops_its_first_rows():
    fold = ExactFold(budget=100_000)
    fold.apply(page(("+I", ["gone"]), ("-D", ["gone"])))
    for i in range(1000):
        fold.apply(inserts([i]))
        assert fold.nbytes <= 100_000
    kept = fold.rows()
    assert kept == [[i] for i in range(1000 - len(kept), 1000)]
    assert fold.dropped == 1000 - len(kept) > 0


def test_the_budget_of_a_table_with_places_drops_what_stands_first():
    fold = ExactFold(place=(0,), budget=100_000)
    fold.apply(inserts(["first", 0], *([str(i), i] for i in range(100))))
    fold.apply(page(("-U", ["first", 0]), ("+U", ["first", 1])))
    for i in range(100, 1000):
        fold.apply(inserts([str(i), i]))
    assert fold.dropped > 0
    assert ["first", 1] not in fold.rows()
    assert len(fold._table._places) == len(fold)


def test_an_index_of_dropped_rows_takes_no_memory():
    fold = ExactFold(budget=100_000)
    fold.apply(page(("+I", ["x"]), ("-D", ["x"])))
    for i in range(3000):
        fold.apply(inserts([i]))
    assert len(fold._table._index) == len(fold)


def test_a_row_that_is_just_being_updated_is_not_counted_as_dropped():
    fold = ExactFold(budget=100_000)
    fold.apply(inserts(*([i] for i in range(100))))
    fold.apply(page(("-U", [0])))
    while not fold.dropped:
        fold.apply(page(*(("+I", [n]) for n in range(50)), ("-U", [0])))
    total = len(fold) + fold.dropped
    fold.apply(page(("+U", ["new"])))
    assert len(fold) + fold.dropped == total + 1


def test_dropping_one_of_several_equal_rows_leaves_the_others():
    fold = ExactFold(budget=60_000)
    fold.apply(page(("+I", ["twin"]), ("+I", ["x"]), ("-D", ["x"])))
    while not fold.dropped:
        fold.apply(inserts(["filler"], ["filler"]))
    fold.apply(inserts(["twin"]))
    fold.apply(page(("-D", ["twin"])))
    assert fold.rows() == [["filler"]] * len(fold)


def test_retractions_of_dropped_rows_are_not_malformed():
    fold = ExactFold(budget=100_000)
    fold.apply(page(("+I", ["x"]), ("-D", ["x"])))
    for i in range(1000):
        fold.apply(inserts([i]))
    fold.apply(page(("-D", [0])))
    assert fold.dropped > 0
    assert fold.unmatched == 0


def test_apply_until_applies_a_page_of_inserts_up_to_the_limit():
    fold = folded(inserts([1]))
    assert fold.apply_until(inserts([2], [3], [4]), 3) == 2
    assert fold.rows() == [[1], [2], [3]]


def test_apply_until_applies_the_whole_page_below_the_limit():
    fold = ExactFold()
    assert fold.apply_until(inserts([1], [2]), 3) is None
    assert fold.rows() == [[1], [2]]


def test_apply_until_counts_retractions():
    fold = ExactFold()
    changes = page(("+I", [1]), ("-D", [1]), ("+I", [2]), ("+I", [3]), ("+I", [4]))
    assert fold.apply_until(changes, 2) == 4
    assert fold.rows() == [[2], [3]]


def keyed(*steps, **options):
    fold = KeyedFold((0,), **options)
    for kind, *row in steps:
        fold.apply(Page([row], [kind]))
    return fold


def test_upserts_replace_the_row_of_their_key_where_it_stands_and_tombstones_take_it_away():
    after, gone = RowKind.UPDATE_AFTER, RowKind.DELETE
    fold = keyed((after, "a", 1), (after, "b", 2), (after, "a", 3), (gone, "b", None), (after, "c", None))
    assert fold.rows() == [["a", 3], ["c", None]]
    assert (len(fold), fold.unmatched, fold.partial, fold.append_only) == (2, 0, False, False)
    fold.apply(Page([["b", 9]], [after]))
    assert fold.rows(1) == [["c", None], ["b", 9]]


def test_keys_of_different_types_are_different_keys_and_null_is_one():
    after = RowKind.UPDATE_AFTER
    fold = keyed((after, 1, "int"), (after, "1", "text"), (after, None, "null"), (after, True, "bool"))
    assert [row[1] for row in fold.rows()] == ["int", "text", "null", "bool"]


def test_a_keyed_table_ends_at_its_limit_and_drops_its_oldest_rows_past_its_budget():
    fold = KeyedFold((0,))
    page = Page([[k, 0] for k in (1, 1, 2, 3, 4)])
    assert fold.apply_until(page, 3) == 4
    assert fold.rows() == [[1, 0], [2, 0], [3, 0]]
    small = KeyedFold((0,), budget=20_000)
    for k in range(1000):
        small.apply(Page([[k, "x" * 50]]))
    assert small.partial
    assert small.nbytes <= 20_000
    assert small.dropped + len(small) == 1000
    assert small.rows()[-1] == [999, "x" * 50]
