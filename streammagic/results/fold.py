"""The fold: from a changelog to the table it describes, exactly.

Flink sends UPDATE_BEFORE and DELETE with the exact old row, so the table is a *multiset of rows*: a
retraction removes one row equal to its own, an insertion adds one. No key is needed and none is guessed;
a key given by a person decides only where a changed row stands. ksqlDB sends upserts and tombstones by a
key that it tells; only there the table is a row a key.

Rows are compared by their JSON, not as Python values: ``0.0`` and ``-0.0``, or ``1`` and ``true``, are
different rows, and nested arrays and maps need no hash.
"""

from __future__ import annotations

import sys
from collections import deque
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from streammagic.results.changes import Page, RowKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streammagic.results.changes import Row

_INSERT, _UPDATE_BEFORE, _UPDATE_AFTER, _DELETE = RowKind

_SORTED = orjson.OPT_SORT_KEYS

_INDEX_BYTES = 180
"""What the index of retractable rows costs a row beside the row: two dict entries and the key's object."""
_SPARE_PLACES = 1000
"""So many places of keys without a row are kept: their UPDATE_AFTER may be on its way."""


class Fold(Protocol):
    """A table that changes are applied to, in the order they arrive.

    ``dropped`` counts rows that were dropped to stay within a budget of bytes, ``unmatched`` retractions
    that met no row.
    """

    dropped: int
    unmatched: int

    def __len__(self) -> int: ...

    @property
    def append_only(self) -> bool:
        """Whether no row has been retracted or updated so far."""

    @property
    def partial(self) -> bool:
        """Whether rows were dropped to stay within the budget."""

    def apply(self, page: Page) -> None:
        """Apply the changes of a page."""

    def apply_until(self, page: Page, limit: int) -> int | None:
        """Apply changes until the table holds ``limit`` rows; return how many were applied by then.

        None tells that the whole page was applied and the limit is not reached.
        """

    def rows(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """Return the raw rows at those positions of the table (a new list; the rows are shared)."""


class ExactFold:
    """A `Fold` of a changelog whose retractions carry the exact old row.

    ``place`` names the columns (by position) whose values decide where an updated row stands; without
    them an UPDATE_AFTER takes the place of the UPDATE_BEFORE right before it. Other rows go to the end.

    ``budget`` is in bytes, estimated. Past it the oldest rows are dropped and ``dropped`` counts them:
    the table is then partial, and a retraction that finds no row is taken to be for a dropped one.

    ``unmatched`` counts retractions of rows that were never there. It stays 0 on a well-formed changelog;
    where it does not, the table is not exact.

    A table that has only ever grown is kept as the pages that came; the index is built when the first
    retraction comes, so that append-only streams pay nothing for it.
    """

    def __init__(self, *, place: Sequence[int] = (), budget: int | None = None) -> None:
        self.dropped = 0
        self.unmatched = 0
        self._place = tuple(place)
        self._budget = budget
        self._pages: deque[list[Row]] = deque()
        self._count = 0
        self._row_bytes = 0.0
        self._table: _RetractableTable | None = None

    def __len__(self) -> int:
        return self._count if self._table is None else len(self._table)

    @property
    def append_only(self) -> bool:
        """Whether no row has been retracted or updated so far."""
        return self._table is None

    @property
    def partial(self) -> bool:
        """Whether rows were dropped to stay within the budget."""
        return self.dropped > 0

    @property
    def nbytes(self) -> int:
        """The estimated memory of the table, in bytes."""
        extra = 0 if self._table is None else _INDEX_BYTES
        return int(len(self) * (self._row_bytes + extra))

    def apply(self, page: Page) -> None:
        """Apply the changes of a page."""
        if not page.rows:
            return
        self._row_bytes = max(self._row_bytes, _size(page.rows[0]))
        if self._table is None and page.kinds is None:
            self._pages.append(page.rows)
            self._count += len(page.rows)
        else:
            table = self._retractable()
            table.apply(page.kinds or [_INSERT] * len(page.rows), page.rows)
            if not self.dropped:
                self.unmatched = table.unmatched
        if self._budget is not None and self.nbytes > self._budget:
            self._drop_oldest()

    def apply_until(self, page: Page, limit: int) -> int | None:
        """Apply changes until the table holds ``limit`` rows; return how many were applied by then.

        None tells that the whole page was applied and the limit is not reached.
        """
        room = limit - len(self)
        if len(page) < room:
            self.apply(page)
            return None
        if self._table is None and page.kinds is None:
            self.apply(page.head(room))
            return room
        for i, row in enumerate(page.rows):
            self.apply(Page([row], None if page.kinds is None else [page.kinds[i]]))
            if len(self) >= limit:
                return i + 1
        return None

    def rows(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """Return the raw rows at those positions of the table (a new list; the rows are shared)."""
        if self._table is not None:
            return self._table.rows()[start:stop]
        if start == 0 and stop is None:
            return list(chain.from_iterable(self._pages))
        return self._slice(start, self._count if stop is None else min(stop, self._count))

    def _slice(self, start: int, stop: int) -> list[Row]:
        found: list[Row] = []
        first = 0
        for page in self._pages:
            if first >= stop:
                break
            if first + len(page) > start:
                found += page[max(start - first, 0) : stop - first]
            first += len(page)
        return found

    def _retractable(self) -> _RetractableTable:
        if self._table is None:
            self._table = _RetractableTable(self._place)
            for rows in self._pages:
                self._table.apply([_INSERT] * len(rows), rows)
            self._pages.clear()
        return self._table

    def _drop_oldest(self) -> None:
        """Drop about a tenth of the table, so that not every page has to drop something."""
        surplus = max(int(len(self) * (1 - 0.9 * (self._budget or 0) / self.nbytes)), 1)
        if self._table is not None:
            self.dropped += self._table.drop_oldest(surplus)
            return
        while surplus > 0 and len(self._pages) > 1:
            page = self._pages.popleft()
            self._count -= len(page)
            self.dropped += len(page)
            surplus -= len(page)


class _RetractableTable:
    """Rows in slots (a dict keeps their order), and an index from a row's JSON to the slots holding it."""

    def __init__(self, place: tuple[int, ...]) -> None:
        self.unmatched = 0
        self._slots: dict[int, Row] = {}
        self._index: dict[bytes, int | list[int]] = {}
        self._next = 0
        self._vacated: int | None = None  # slot of the UPDATE_BEFORE just seen, still in _slots
        self._place = place
        self._places: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._slots) - (self._vacated is not None)

    def rows(self) -> list[Row]:
        """Return the rows in order."""
        slots = sorted(self._slots) if self._place else self._slots  # a reused slot went to the dict's end
        return [self._slots[slot] for slot in slots if slot != self._vacated]

    def apply(self, kinds: Iterable[RowKind], rows: Iterable[Row]) -> None:  # noqa: C901, PLR0912
        """Apply changes one after another.

        The hot loop, so all in one function: one dump and one or two dict operations a change.
        """
        slots, index, dumps = self._slots, self._index, _dumps
        by_key = bool(self._place)
        vacated = self._vacated
        for kind, row in zip(kinds, rows, strict=True):
            key = dumps(row)
            if kind is _UPDATE_AFTER or kind is _INSERT:
                if by_key:
                    if vacated is not None:
                        del slots[vacated]
                    slot = self._keyed_slot(row, vacated if kind is _UPDATE_AFTER else None)
                elif vacated is not None and kind is _UPDATE_AFTER:
                    slot = vacated
                else:
                    if vacated is not None:
                        del slots[vacated]
                    slot = self._next
                    self._next += 1
                vacated = None
                slots[slot] = row
                present = index.get(key)
                if present is None:
                    index[key] = slot
                elif isinstance(present, int):
                    index[key] = [present, slot]
                else:
                    present.append(slot)
                continue
            if vacated is not None:
                del slots[vacated]
                vacated = None
            present = index.pop(key, None)
            if present is None:
                self.unmatched += 1
                continue
            if not isinstance(present, int):
                slot = present.pop()
                index[key] = present if len(present) > 1 else present[0]
            else:
                slot = present
            if kind is _UPDATE_BEFORE:
                vacated = slot
            else:
                del slots[slot]
                if by_key:
                    self._leave(row, slot)
        self._vacated = vacated
        if len(self._places) > 2 * len(slots) + _SPARE_PLACES:
            self._places = {self._key(row): slot for slot, row in slots.items()}

    def _keyed_slot(self, row: Row, vacated: int | None) -> int:
        """Choose the slot by the row's key: its last one if that is free, else the vacated one, else new."""
        key = self._key(row)
        slot = self._places.get(key)
        if slot is None or slot in self._slots:
            slot = vacated
        if slot is None:
            slot = self._next
            self._next += 1
        self._places[key] = slot
        return slot

    def _leave(self, row: Row, slot: int) -> None:
        """Forget the place of a row that left for good, unless another row with its key has it."""
        key = self._key(row)
        if self._places.get(key) == slot:
            del self._places[key]

    def _key(self, row: Row) -> bytes:
        return _dumps([row[i] for i in self._place])

    def drop_oldest(self, count: int) -> int:
        """Forget the ``count`` rows that stand first; return how many were dropped."""
        order = sorted(self._slots) if self._place else self._slots
        doomed = list(islice((slot for slot in order if slot != self._vacated), count))
        for slot in doomed:
            row = self._slots.pop(slot)
            if self._place:
                self._leave(row, slot)
            key = _dumps(row)
            present = self._index[key]
            if isinstance(present, int):
                del self._index[key]
            else:
                present.remove(slot)
                if len(present) == 1:
                    self._index[key] = present[0]
        return len(doomed)


class KeyedFold:
    """A `Fold` of upserts and tombstones: one row a key, at the place where the key was first seen.

    ``key`` names its columns by position. ``budget`` is in bytes, estimated; past it the oldest rows go. A
    tombstone for a key that has no row is no fault: a table is told of keys that it never had.
    """

    append_only = False

    def __init__(self, key: Sequence[int], *, budget: int | None = None) -> None:
        self.dropped = 0
        self.unmatched = 0
        self._key = tuple(key)
        self._budget = budget
        self._rows: dict[bytes, Row] = {}
        self._row_bytes = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def partial(self) -> bool:
        """Whether rows were dropped to stay within the budget."""
        return self.dropped > 0

    @property
    def nbytes(self) -> int:
        """The estimated memory of the table, in bytes."""
        return int(len(self._rows) * (self._row_bytes + _INDEX_BYTES))

    def apply(self, page: Page) -> None:
        """Apply the changes of a page."""
        if not page.rows:
            return
        self._row_bytes = max(self._row_bytes, _size(page.rows[0]))
        rows, at, dumps = self._rows, self._key, _dumps
        for kind, row in zip(page.kinds or [_UPDATE_AFTER] * len(page.rows), page.rows, strict=True):
            key = dumps([row[i] for i in at])
            if kind is _DELETE:
                rows.pop(key, None)
            else:
                rows[key] = row
        if self._budget is not None and self.nbytes > self._budget:
            surplus = max(int(len(rows) * (1 - 0.9 * self._budget / self.nbytes)), 1)
            for key in list(islice(rows, surplus)):
                del rows[key]
            self.dropped += surplus

    def apply_until(self, page: Page, limit: int) -> int | None:
        """Apply changes until the table holds ``limit`` rows; return how many were applied by then."""
        if len(self) + len(page) < limit:
            self.apply(page)
            return None
        for i, row in enumerate(page.rows):
            self.apply(Page([row], None if page.kinds is None else [page.kinds[i]]))
            if len(self) >= limit:
                return i + 1
        return None

    def rows(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """Return the raw rows at those positions of the table (a new list; the rows are shared)."""
        return list(islice(self._rows.values(), start, stop))


def _dumps(row: Row) -> bytes:
    """Return the row's JSON: what makes two rows the same row. The entries of a map have no order."""
    try:
        return orjson.dumps(row, None, _SORTED)
    except TypeError:  # integers beyond 64 bits, Decimals: rare, and only where a DECIMAL column is
        return orjson.dumps(_plain(row), None, _SORTED)


def _plain(value: Any) -> Any:
    """Replace what orjson can't write by something as telling."""
    match value:
        case Decimal():
            return {"": str(value)}
        case int() if not isinstance(value, bool) and value.bit_length() > 63:  # noqa: PLR2004 - orjson's limit
            return {"": str(value)}
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value


def _size(value: Any) -> int:
    """Estimate the bytes that a raw value takes in memory."""
    size = sys.getsizeof(value)
    if isinstance(value, list):
        size += sum(map(_size, value))
    elif isinstance(value, dict):
        size += sum(map(_size, value)) + sum(map(_size, value.values()))
    return size
