"""What the JSON values at one place have in common, and which of Flink's types takes all of them.

The measure is Flink's JSON format (2.3, measured): a value that a type does not take fails the query.
A STRING takes everything; objects and arrays as their JSON text.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from streammagic.sql.naming import is_writable
from streammagic.topics import sqltypes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.topics.sqltypes import SqlType


class Shape(Enum):
    """What a JSON value looks like; the value of each is its name in a remark."""

    BOOLEAN = "booleans"
    INTEGER = "integers"
    BIG = "integers over 64 bits"
    HUGE = "integers over 38 digits"
    FRACTION = "fractions"
    TEXT = "text"
    DATE = "dates"
    ISO_LOCAL = "ISO-8601 times"
    ISO_ZONED = "ISO-8601 times with Z"
    ISO_OFFSET = "ISO-8601 times with an offset"
    SQL_LOCAL = "SQL times"
    SQL_ZONED = "SQL times with Z"
    OBJECT = "objects"
    ARRAY = "arrays"


INTEGERS = frozenset({Shape.INTEGER, Shape.BIG, Shape.HUGE})
NUMBERS = INTEGERS | {Shape.FRACTION}
ISO = frozenset({Shape.ISO_LOCAL, Shape.ISO_ZONED})
SQL = frozenset({Shape.SQL_LOCAL, Shape.SQL_ZONED})
TIMES = ISO | SQL
STRINGS = TIMES | {Shape.TEXT, Shape.DATE, Shape.ISO_OFFSET}

_DEEPEST = 12
"""Levels of nesting that become types; what is deeper is text."""

_MANY_KEYS = 12
"""Different keys from which on an object may be a map."""

_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?P<gap>[T ])(?P<clock>\d\d:\d\d(?P<seconds>:\d\d(?:\.(?P<fraction>\d{1,9}))?)?)"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


def shape_of(value: Any) -> tuple[Shape, int]:
    """Return the shape of a JSON value that is not null, and the fraction digits of its seconds."""
    if isinstance(value, bool):
        return Shape.BOOLEAN, 0
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return Shape.INTEGER, 0
        return (Shape.BIG if abs(value) < 10**38 else Shape.HUGE), 0
    if isinstance(value, float):
        return Shape.FRACTION, 0
    if isinstance(value, str):
        return _text_shape(value)
    return (Shape.OBJECT if isinstance(value, dict) else Shape.ARRAY), 0


def _text_shape(text: str) -> tuple[Shape, int]:
    """Tell times from text. Source: Flink's TimeFormats, measured on 2.3.

    The format ISO-8601 takes ``2024-01-01T00:00[:00[.000000000]][Z]``, the format SQL
    ``2024-01-01 00:00:00[.000000000][Z]``; neither takes another offset.
    """
    match = _TIME.fullmatch(text)
    if match is None or not _is_real(match):
        return Shape.TEXT, 0
    if match["gap"] is None:
        return Shape.DATE, 0
    digits, zone = len(match["fraction"] or ""), match["zone"]
    if match["gap"] == "T":
        if zone is None:
            return Shape.ISO_LOCAL, digits
        return (Shape.ISO_ZONED if zone == "Z" else Shape.ISO_OFFSET), digits
    if match["seconds"] is None or zone not in (None, "Z"):
        return Shape.TEXT, 0
    return (Shape.SQL_ZONED if zone else Shape.SQL_LOCAL), digits


def _is_real(match: re.Match[str]) -> bool:
    """Tell whether the calendar and the clock have it: there is no 30th of February, and no 25 o'clock."""
    clock = match["clock"] or "00:00"
    try:
        datetime.fromisoformat(f"{match['date']}T{clock[:8]}")
    except ValueError:
        return False
    return not clock.startswith("24")  # midnight, for Python 3.14


@dataclass(slots=True)
class Profile:
    """All values seen at one place. ``seen`` counts them, null ones too; ``fraction`` is in digits."""

    seen: int = 0
    nulls: int = 0
    shapes: Counter[Shape] = field(default_factory=Counter)
    fraction: int = 0
    fields: dict[str, Profile] = field(default_factory=dict)
    most_fields: int = 0
    element: Profile | None = None
    depth: int = 0

    def add(self, value: Any) -> None:
        """Take one value into account; None is null."""
        self.seen += 1
        if value is None:
            self.nulls += 1
            return
        shape, fraction = shape_of(value)
        self.shapes[shape] += 1
        self.fraction = max(self.fraction, fraction)
        if self.depth >= _DEEPEST:
            return
        if shape is Shape.OBJECT:
            self.most_fields = max(self.most_fields, len(value))
            for name, held in value.items():
                self.field(name).add(held)
        elif shape is Shape.ARRAY:
            self.element = self.element or Profile(depth=self.depth + 1)
            for held in value:
                self.element.add(held)

    def field(self, name: str) -> Profile:
        """Return the profile of an object's field, a new one if it was not seen before."""
        return self.fields.setdefault(name, Profile(depth=self.depth + 1))

    @property
    def objects(self) -> int:
        """How many of the values are objects."""
        return self.shapes[Shape.OBJECT]

    def has_many_keys(self) -> bool:
        """Tell whether the objects' keys look like data, as in ``{"user-17": 3}``: each in few of them."""
        if len(self.fields) < _MANY_KEYS or len(self.fields) < 2 * self.most_fields:
            return False
        return all(2 * held.seen <= self.objects for held in self.fields.values())

    def merged_fields(self) -> Profile:
        """Return one profile of all fields' values: that of a map's values."""
        merged = Profile(depth=self.depth + 1)
        for held in self.fields.values():
            merged.take(held)
        return merged

    def take(self, other: Profile) -> None:
        """Take all values of another profile into account."""
        self.seen += other.seen
        self.nulls += other.nulls
        self.shapes.update(other.shapes)
        self.fraction = max(self.fraction, other.fraction)
        self.most_fields = max(self.most_fields, other.most_fields)
        for name, held in other.fields.items():
            self.field(name).take(held)
        if other.element is not None:
            self.element = self.element or Profile(depth=self.depth + 1)
            self.element.take(other.element)

    def walk(self) -> Iterator[Profile]:
        """Yield this profile and all below it."""
        yield self
        for held in self.fields.values():
            yield from held.walk()
        if self.element is not None:
            yield from self.element.walk()


@dataclass(slots=True)
class Typing:
    """Chooses types. ``times`` are the shapes that the table's one timestamp format reads.

    ``remarks`` collects what a person should know of the place that was typed last, with its path.
    """

    times: frozenset[Shape]
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, profile: Profile) -> Typing:
        """Choose the timestamp format that more of the places need; a table has one only."""
        votes: Counter[str] = Counter()
        for place in profile.walk():
            shapes = set(place.shapes)
            votes["iso"] += len(shapes) == 1 and shapes <= ISO
            votes["sql"] += len(shapes) == 1 and shapes <= SQL
        return cls(ISO if votes["iso"] >= votes["sql"] else SQL)

    def type_of(self, profile: Profile, path: str = "") -> SqlType:  # one case a shape
        """Return the type that takes every value of a place; ``path`` is where it is, for remarks."""
        shapes = set(profile.shapes)
        if not shapes:
            return self._unknown(profile, path)
        if len(shapes) == 1:
            return self._of_one(next(iter(shapes)), profile, path)
        if shapes <= INTEGERS and Shape.HUGE not in shapes:
            return sqltypes.SqlType("DECIMAL(38, 0)")
        if shapes <= NUMBERS and Shape.FRACTION in shapes:
            return sqltypes.DOUBLE
        if not shapes <= STRINGS or Shape.TEXT not in shapes:
            names = sorted((shape.value for shape in shapes), key=str)
            self._remark(path, f"mixed: {', '.join(names[:-1])} and {names[-1]}")
        return sqltypes.STRING

    def _of_one(self, shape: Shape, profile: Profile, path: str) -> SqlType:
        simple = _SIMPLE.get(shape)
        if simple is not None:
            return simple
        if shape is Shape.OBJECT:
            return self._of_objects(profile, path)
        if shape is Shape.ARRAY:
            if profile.element is None:
                return sqltypes.STRING  # too deep
            return sqltypes.array(self.type_of(profile.element, f"{path}[]"))
        if shape in self.times:
            digits = next(digits for digits in (3, 6, 9) if profile.fraction <= digits)
            return sqltypes.timestamp(digits, zoned=shape in (Shape.ISO_ZONED, Shape.SQL_ZONED))
        self._remark(path, _NOT_READ.get(shape, "times, in another format than the table's other times"))
        return sqltypes.STRING

    def _of_objects(self, profile: Profile, path: str) -> SqlType:
        if profile.depth >= _DEEPEST:
            return sqltypes.STRING
        if profile.has_many_keys():
            self._remark(path, f"{len(profile.fields):,} different keys in {profile.objects:,} objects")
            return sqltypes.mapping(self.type_of(profile.merged_fields(), f"{path}{{}}"))
        fields = []
        for name, held in profile.fields.items():
            if is_writable(name):
                fields.append((name, self.type_of(held, f"{path}.{name}")))
            else:
                self._remark(path, f"a field can't be named in SQL: {name!r}")
        if fields:
            return sqltypes.row(fields)
        if not profile.fields:
            self._remark(path, "always an empty object")
        return sqltypes.mapping(sqltypes.STRING)

    def _unknown(self, profile: Profile, path: str) -> SqlType:
        if profile.seen:
            self._remark(path, "always null")
        return sqltypes.STRING

    def _remark(self, path: str, text: str) -> None:
        self.remarks.append(f"{path.removeprefix('.')}: {text}" if path else text)


_SIMPLE = {
    Shape.BOOLEAN: sqltypes.BOOLEAN,
    Shape.INTEGER: sqltypes.BIGINT,
    Shape.BIG: sqltypes.SqlType("DECIMAL(38, 0)"),
    Shape.FRACTION: sqltypes.DOUBLE,
    Shape.TEXT: sqltypes.STRING,
    Shape.DATE: sqltypes.DATE,
}
_NOT_READ = {
    Shape.HUGE: "integers over 38 digits",
    Shape.ISO_OFFSET: "times with an offset, which Flink's JSON format does not read; only Z",
}
