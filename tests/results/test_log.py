from hypothesis import given
from hypothesis import strategies as st

from streammagic.results.changes import Page, RowKind
from streammagic.results.log import ChangeLog


def numbers(pages):
    return [row[0] for page in pages for row in page.rows]


def filled(keep, sizes):
    log, number = ChangeLog(keep), 0
    for size in sizes:
        log.append(Page([[number + i] for i in range(size)]))
        number += size
    return log


@given(st.none() | st.integers(0, 20), st.lists(st.integers(0, 8), max_size=12))
def test_the_newest_changes_are_kept_and_the_others_counted(keep, sizes):
    log, total = filled(keep, sizes), sum(sizes)
    kept = total if keep is None else min(keep, total)
    assert numbers(log.pages()) == list(range(total))[total - kept :]
    assert (log.seen, log.kept, log.dropped) == (total, kept, total - kept)


@given(st.none() | st.integers(0, 20), st.lists(st.integers(0, 8), max_size=12), st.integers(0, 30))
def test_pages_returns_as_many_of_the_newest_as_asked_for(keep, sizes, newest):
    log = filled(keep, sizes)
    everything = numbers(log.pages())
    wanted = min(newest, log.kept)
    assert numbers(log.pages(newest)) == everything[len(everything) - wanted :]


@given(st.lists(st.integers(1, 8), min_size=1, max_size=40))
def test_pages_that_nobody_can_ask_for_are_let_go(sizes):
    log = filled(10, sizes)
    assert sum(map(len, log._pages)) <= 10 + max(sizes)


def test_kinds_are_cut_with_their_rows():
    log = ChangeLog(2)
    log.append(Page([[1], [2], [3]], [RowKind.INSERT, RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER]))
    assert log.pages() == [Page([[2], [3]], [RowKind.UPDATE_BEFORE, RowKind.UPDATE_AFTER])]


def test_the_pages_that_came_are_not_changed():
    page = Page([[1], [2]])
    log = ChangeLog(1)
    log.append(page)
    log.pages()
    assert page.rows == [[1], [2]]
