"""Topics, the sources that read them, and queries, which are worked off record by record."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ksqldb.answers import to_json
from ksqldb.tiny_parser import Select
from ksqldb.tiny_sql import Column, Expr, KsqlError, quoted
from ksqldb.tiny_values import (
    PSEUDO,
    WINDOW_BOUNDS,
    aggregates,
    check,
    coerce,
    evaluate,
    shown,
    type_of,
)


class Session:
    """What lasts for one request: its properties and variables."""

    def __init__(self, properties, variables):
        self.properties, self.variables = dict(properties or {}), dict(variables or {})


@dataclass
class Record:
    """What lies in a topic; a ``value`` of None is a tombstone, ``window`` the bounds of a windowed key."""

    rowtime: int
    key: tuple
    value: dict | None
    window: tuple | None = None


class Topic:
    """Records in one partition, whatever the number of partitions it shows."""

    def __init__(self, name: str, partitions: int) -> None:
        self.name, self.partitions = name, partitions
        self.records: list[Record] = []
        self.deleted = False


@dataclass
class Source:
    """A stream or table; ``query`` is the id of the query that came with it, "" for one of CREATE … (columns)."""

    name: str
    kind: str
    columns: list[Column]
    topic: Topic
    statement: str
    key_format: str = "KAFKA"
    value_format: str = "JSON"
    window: str | None = None
    query: str = ""
    reads: list[str] = field(default_factory=list)
    queryable: bool = False

    @property
    def keys(self) -> list[Column]:
        return [column for column in self.columns if column.key]

    @property
    def visible(self) -> list[Column]:
        """The columns of SELECT *: a window's bounds follow the key."""
        if not self.window:
            return self.columns
        bounds = [Column(name, kind, True) for name, kind in WINDOW_BOUNDS.items()]
        return [*self.keys, *bounds, *(column for column in self.columns if not column.key)]

    @property
    def types(self) -> dict:
        """The types of all that an expression may name."""
        named = {column.name: column.type for column in self.columns}
        return PSEUDO | (WINDOW_BOUNDS if self.window else {}) | named

    @property
    def schema(self) -> str:
        return schema(self.columns)

    def row(self, record: Record, offset: int) -> dict[str, Any]:
        """Return a record's values by the names that an expression has for them."""
        row = dict(zip((column.name for column in self.keys), record.key, strict=False))
        for column in self.columns:
            if not column.key:
                row[column.name] = coerce((record.value or {}).get(column.name), column.type)
        row |= {"ROWTIME": record.rowtime, "ROWPARTITION": 0, "ROWOFFSET": offset}
        return row | (dict(zip(WINDOW_BOUNDS, record.window, strict=True)) if record.window else {})

    def materialized(self) -> list[dict[str, Any]]:
        """Return a table's rows as they are now, in the order of their keys."""
        rows: dict[str, dict[str, Any]] = {}
        for offset, record in enumerate(self.topic.records):
            identity = to_json([record.key, record.window])
            rows.pop(identity, None)
            if record.value is not None:
                rows[identity] = self.row(record, offset)
        return [rows[identity] for identity in sorted(rows)]


def schema(columns: list[Column]) -> str:
    """Return columns as the head of a result, or a refusal, lists them."""
    return ", ".join(f"`{one.name}` {one.type}{' KEY' if one.key else ''}" for one in columns)


@dataclass
class Change:
    """A row that a query gives, as projected; ``key`` and ``value`` are what its sink's topic gets."""

    columns: list
    tombstone: bool
    key: tuple
    value: dict | None
    rowtime: int
    window: tuple | None


class Plan:
    """A SELECT over one source: what its result is, and what each record makes of it.

    Refuses what can't be planned. ``into`` is the kind of source that it is to fill, "" for a query of its own.
    """

    def __init__(self, select: Select, source: Source, into: str = "") -> None:
        self.select, self.source, self.into = select, source, into
        self.window = select.window
        types = source.types | (WINDOW_BOUNDS if self.window else {})
        if self.window and self.window.kind == "SESSION":
            raise KsqlError("The tiny server knows no session windows")
        self.items = self._items()
        for expr, _ in self.items:
            check(expr, types)
        for clause, exprs in (
            ("WHERE", [select.where]),
            ("GROUP BY", select.group),
            ("PARTITION BY", [select.partition]),
            ("HAVING", [select.having]),
        ):
            for expr in exprs:
                if expr is not None:
                    check(expr, types, clause)
        self.grouped = bool(select.group) or any(aggregates(expr) for expr, _ in self.items)
        self.table = self.grouped or (source.kind == "TABLE" and not select.partition)
        if self.grouped:
            self._check_grouping()
        self.windowed = self.window.kind if self.window else source.window if self.table else None
        self.keys = self._keys()
        named = {key.name for key in self.keys} | set(WINDOW_BOUNDS)
        marks = [expr.op == "col" and expr.value in self._key_sources() for expr, _ in self.items]
        self.columns = [
            Column(name, type_of(expr, types), marked)
            for (expr, name), marked in zip(self.items, marks, strict=True)
        ]
        self.values = [column for column in self.columns if column.name not in named]
        if into:
            self._check_sink(into)
        # What has been read so far.
        self.groups: dict[str, list] = {}
        self._rows: dict[str, dict] = {}
        self._shown: set[str] = set()
        self._waiting: dict[str, Change] = {}

    def _items(self):
        found, unnamed = [], 0
        for expr, alias in self.select.items:
            if expr.op == "star":
                visible = self.source.columns if self.into else self.source.visible
                found += [(Expr("col", value=column.name), column.name) for column in visible]
                continue
            name = alias or (expr.value if expr.op in ("col", "field") else None)
            if name is None:
                name, unnamed = f"KSQL_COL_{unnamed}", unnamed + 1
            found.append((expr, name))
        return found

    def _check_grouping(self):
        free = [
            expr.value
            for item, _ in self.items
            if not aggregates(item) and item not in self.select.group
            for expr in item.walk()
            if expr.op == "col" and expr not in self.select.group and expr.value not in WINDOW_BOUNDS
        ]
        if free:
            raise KsqlError(
                f"Non-aggregate SELECT expression(s) not part of GROUP BY: {', '.join(free)}\n"
                "Either add the column(s) to the GROUP BY or remove them from the SELECT."
            )
        if not self.select.group:
            raise KsqlError("Use of aggregation functions requires a GROUP BY clause.")

    def _key_exprs(self):
        """Return the expressions of the result's key."""
        if self.grouped:
            return self.select.group
        if self.select.partition is not None:
            return [self.select.partition]
        return [Expr("col", value=column.name) for column in self.source.keys]

    def _key_sources(self):
        bounds = set(WINDOW_BOUNDS) if self.windowed else set()
        return {expr.value for expr in self._key_exprs() if expr.op == "col"} | bounds

    def _keys(self):
        types = self.source.types | (WINDOW_BOUNDS if self.window else {})
        found = []
        for place, expr in enumerate(self._key_exprs()):
            name = next((alias for item, alias in self.items if item == expr), None)
            name = name or (expr.value if expr.op == "col" else f"KSQL_COL_{place}")
            found.append(Column(name, type_of(expr, types), True))
        return found

    def _check_sink(self, into):
        made = "TABLE" if self.table else "STREAM"
        missing = [key.name for key in self.keys if key.name not in {name for _, name in self.items}]
        if missing:
            raise KsqlError(
                "Key missing from projection (ie, SELECT). \nThe query used to build `{name}` must include the key "
                f"column{'s' * (len(missing) > 1)} {', '.join(missing)} in its projection (eg, SELECT {missing[0]}...)."
            )
        if made != into:
            raise KsqlError(
                f"Invalid result type. Your SELECT query produces a {made}. "
                f"Please use CREATE {made} AS SELECT statement instead."
            )
        if not self.values:
            raise KsqlError("The projection contains no value columns.")

    @property
    def sink_columns(self) -> list[Column]:
        return [*self.keys, *(Column(column.name, column.type) for column in self.values)]

    def text(self) -> str:
        """Return the SELECT as a normalised statement has it, up to its EMIT."""
        select, alias = self.select, self.select.alias
        items = [
            "*" if expr.op == "star" else f"{shown(expr, alias)} {quoted(name or self._named(expr))}"
            for expr, name in select.items
        ]
        listed = "SELECT " + items[0] if len(items) == 1 else "SELECT\n  " + ",\n  ".join(items)
        clauses = [listed, f"FROM {quoted(select.source)} {quoted(alias)}"]
        if select.window:
            clauses.append(select.window.text)
        if select.where is not None:
            clauses.append(f"WHERE {shown(select.where, alias)}")
        if select.partition is not None:
            clauses.append(f"PARTITION BY {shown(select.partition, alias)}")
        if select.group:
            clauses.append("GROUP BY " + ", ".join(shown(expr, alias) for expr in select.group))
        if select.having is not None:
            clauses.append(f"HAVING {shown(select.having, alias)}")
        return "\n".join(clauses) + f"\nEMIT {'FINAL' if select.emit == 'FINAL' else 'CHANGES'};"

    def inherit(self, other: "Plan") -> None:
        """Go on with the state of another plan, which this one replaces."""
        self.groups, self._rows, self._shown = other.groups, other._rows, other._shown

    def _named(self, expr):
        return next(name for item, name in self.items if item is expr)

    # One record after another

    def feed(self, record: Record, offset: int) -> list[Change]:
        """Return what a record changes in the result."""
        row = (
            None if record.value is None and self.source.kind == "TABLE" else self.source.row(record, offset)
        )
        if self.grouped:
            return self._feed_groups(record, row)
        identity = to_json([record.key, record.window])
        if row is not None and self._passes(row):
            self._shown.add(identity)
            return [self._change(row, record.rowtime, record.window)]
        if self.table and identity in self._shown:
            self._shown.discard(identity)
            key = dict(zip((column.name for column in self.source.keys), record.key, strict=False))
            bounds = dict(zip(WINDOW_BOUNDS, record.window, strict=True)) if record.window else {}
            return [self._change(key | bounds, record.rowtime, record.window, gone=True)]
        return []

    def _passes(self, row):
        return self.select.where is None or evaluate(self.select.where, row) is True

    def _feed_groups(self, record, row):
        touched = []
        if self.source.kind == "TABLE":
            identity = to_json([record.key, record.window])
            before = self._rows.pop(identity, None)
            if before is not None:
                for group, window in self._groups_of(before):
                    self.groups[group].remove(before)
                    touched.append((group, window, before))
            if row is not None:
                self._rows[identity] = row
        if row is not None and self._passes(row):
            for group, window in self._groups_of(row):
                self.groups.setdefault(group, []).append(row)
                touched = [one for one in touched if one[0] != group] + [(group, window, row)]
        elif self.source.kind == "TABLE":
            self._rows.pop(to_json([record.key, record.window]), None)
        changes = [change for one in touched for change in self._grouped_change(*one, record.rowtime)]
        return self._final(changes, record.rowtime) if self.select.emit == "FINAL" else changes

    def _groups_of(self, row):
        key = [evaluate(expr, row) for expr in self.select.group]
        if None in key:
            return []
        if self.window is None:
            return [(to_json(key), None)]
        size, advance, time = self.window.size, self.window.advance, row["ROWTIME"]
        last = time - time % advance
        starts = [start for start in range(last, time - size, -advance) if start >= 0]
        return [(to_json([*key, start]), (start, start + size)) for start in reversed(starts)]

    def _grouped_change(self, group, window, row, rowtime):
        members = self.groups[group]
        row = row | (dict(zip(WINDOW_BOUNDS, window, strict=True)) if window else {})
        if self.select.having is None or evaluate(self.select.having, row, members) is True:
            self._shown.add(group)
            return [self._change(row, rowtime, window, members)]
        if group in self._shown:
            self._shown.discard(group)
            return [self._change(row, rowtime, window, members, gone=True)]
        return []

    def _final(self, changes, rowtime):
        """Return what a record closes of the windows that wait for their end."""
        for change in changes:
            self._waiting[to_json([change.key, change.window])] = change
        grace = self.window.grace
        done = [one for one, change in self._waiting.items() if change.window[1] + grace <= rowtime]
        return [self._waiting.pop(one) for one in done]

    def _change(self, row, rowtime, window, members=(), gone=False):
        key = tuple(evaluate(expr, row) for expr in self._key_exprs())
        if gone:
            columns = [
                evaluate(expr, row) if column.key else None
                for (expr, _), column in zip(self.items, self.columns, strict=True)
            ]
            return Change(columns, True, key, None, rowtime, window)
        columns = [
            coerce(evaluate(expr, row, members), column.type)
            for (expr, _), column in zip(self.items, self.columns, strict=True)
        ]
        by_name = {column.name: value for column, value in zip(self.columns, columns, strict=True)}
        return Change(
            columns, False, key, {one.name: by_name[one.name] for one in self.values}, rowtime, window
        )


class Query:
    """A query that runs: where it has come to in its topic, and what has become of it.

    One that fills a topic is persistent; one of a client's has a ``wake`` that is called when there is more.
    """

    def __init__(
        self, name: str, text: str, plan: Plan, properties: dict, sink: Source | None = None
    ) -> None:
        self.id, self.text, self.plan, self.properties, self.sink = name, text, plan, properties, sink
        self.topic = plan.source.topic
        self.position = 0 if properties.get("auto.offset.reset") == "earliest" else len(self.topic.records)
        self.paused = False
        self.errors: list[dict] = []
        self.ended = False
        self.wake = threading.Event().set

    @property
    def persistent(self) -> bool:
        return not self.id.startswith("transient_")

    @property
    def status(self) -> str:
        return "ERROR" if self.errors else "PAUSED" if self.paused else "RUNNING"

    @property
    def status_count(self) -> dict[str, int]:
        return dict(Counter([self.status]))

    def take(self) -> list[Change]:
        """Read on to the topic's end, unless paused or failed, and return what that changes."""
        changes = []
        while not (self.paused or self.errors) and self.position < len(self.topic.records):
            self.position += 1
            changes += self.plan.feed(self.topic.records[self.position - 1], self.position - 1)
        return changes
