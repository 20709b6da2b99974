"""ksqlDB's types as it spells them, and the JSON that it writes for their values.

Sources: type strings as written by io.confluent.ksql.schema.ksql.types.SqlType (``columnTypes``) and by
LogicalSchema (the ``schema`` of a v1+json header); values at the top level, in an ARRAY or a MAP as written
by the server's ApiJsonMapper, those in a STRUCT as written by Kafka Connect's JsonConverter. Measured on
ksqlDB 7.4: TIMESTAMP is ISO in UTC without a zone, TIME is "03:04" where its seconds are 0; in a STRUCT
TIMESTAMP is milliseconds since 1970, DATE days since then and TIME milliseconds of the day, and a DECIMAL has
lost its trailing zeros. BYTES are base64, the keys of a MAP strings. Back-ticks in a name are doubled in SQL,
but not in what the server writes. Read in its source, not seen: infinities and NaN are strings.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from streammagic.engines.decoding import as_is, decimals, nullable
from streammagic.results.changes import Column, DataType, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Decoder = Callable[[Any], Any]

_KINDS = {
    "BOOLEAN": Kind.BOOLEAN,
    "INTEGER": Kind.INT32,
    "BIGINT": Kind.INT64,
    "DOUBLE": Kind.FLOAT64,
    "STRING": Kind.STRING,
    "BYTES": Kind.BYTES,
    "DECIMAL": Kind.DECIMAL,
    "TIMESTAMP": Kind.TIMESTAMP_UTC,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
}
_ALIASES = {"INT": "INTEGER", "VARCHAR": "STRING"}
_PRECISION = {Kind.TIMESTAMP_UTC: 3, Kind.TIME: 3}
"""Fraction digits of a second."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_@]*")
_DECIMAL = re.compile(r"\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_ARGUMENTS = re.compile(r"\([^()`]*\)")
_OPEN = re.compile(r"\s*<\s*")
_CLOSE = re.compile(r"\s*>")
_COMMA = re.compile(r"\s*,\s*")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_@]*)\s+")
_ROLE = re.compile(r"(?: (?:PRIMARY )?KEY| HEADERS| HEADER\('.*?'\))?(?=, |\Z)")
_END = re.compile(r"\Z")
_TRIES = 100_000
"""Names tried before a schema is given up; a schema without odd names needs one a name."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_KEYS: dict[Kind, Decoder] = {Kind.INT32: int, Kind.INT64: int, Kind.FLOAT64: float}


def column(name: str, data_type: DataType) -> Column:
    """Build a column whose ``decode`` takes the raw values of a row, however deep they are nested."""
    return Column(name, data_type, decoder(data_type))


def parse_type(sql: str) -> DataType:
    """Read a type, as in ``columnTypes`` or in SQL; its ``sql`` is ksqlDB's spelling, valid in SQL.

    A type that is not known is of `Kind.OTHER`: it keeps its spelling, and its values stay undecoded.
    """
    text = sql.strip()
    try:
        for found, end in _Reader(text).types(0):
            if end == len(text):
                return found
    except ValueError:
        pass
    return DataType(Kind.OTHER, text)


def parse_schema(text: str) -> list[tuple[str, DataType, bool]]:
    """Read the ``schema`` of a v1+json header: names, types, and whether the column is marked as a key.

    Back-ticks in names are not doubled there, and a name may look like anything at all: names are taken to be
    as short as makes sense of the whole. A name like "a` INTEGER, `b" is therefore read as two columns.
    Raises ValueError for a text that is no schema.
    """
    if not text:
        return []
    for members, _ in _Reader(text).members(0, nested=False):
        return [(one.name, one.type, one.is_key) for one in members]
    raise ValueError(f"This is no schema of ksqlDB: {text[:200]}")


def from_field(schema: dict[str, Any]) -> DataType:
    """Read the ``schema`` of a field, as in DESCRIBE; a MAP's keys, not told there, are taken for strings."""
    name = str(schema.get("type", "")).upper()
    match name:
        case "ARRAY":
            return _array(from_field(schema["memberSchema"]))
        case "MAP":
            return _map(DataType(Kind.STRING, "STRING"), from_field(schema["memberSchema"]))
        case "STRUCT":
            return _struct([(one["name"], from_field(one["schema"])) for one in schema["fields"] or ()])
        case "DECIMAL" if schema.get("parameters"):
            return _decimal_type(schema["parameters"]["precision"], schema["parameters"]["scale"])
        case _:
            return _simple(name)


def _simple(name: str) -> DataType:
    name = _ALIASES.get(name, name)
    kind = _KINDS.get(name, Kind.OTHER)
    return DataType(kind, name, _PRECISION.get(kind, 0))


def _decimal_type(precision: str | int, scale: str | int) -> DataType:
    return DataType(Kind.DECIMAL, f"DECIMAL({precision}, {scale})", int(precision), int(scale))


def _array(element: DataType) -> DataType:
    return DataType(Kind.ARRAY, f"ARRAY<{element.sql}>", children=(element,))


def _map(key: DataType, value: DataType) -> DataType:
    return DataType(Kind.MAP, f"MAP<{key.sql}, {value.sql}>", children=(key, value))


def _struct(fields: Iterable[tuple[str, DataType]]) -> DataType:
    names, types = tuple(zip(*fields, strict=True)) or ((), ())
    inner = ", ".join(
        f"`{name.replace('`', '``')}` {field.sql}" for name, field in zip(names, types, strict=True)
    )
    return DataType(Kind.ROW, f"STRUCT<{inner or ' '}>", children=types, names=names)


class _Member(NamedTuple):
    """A column of a schema or a field of a STRUCT."""

    name: str
    type: DataType
    is_key: bool


class _Reader:
    """Reads one text by trying: the end of a name is not marked where back-ticks are not doubled.

    Every method yields ways to read something from a place on, each with the place behind it, the shortest
    names first. Raises ValueError where there are too many of them: no text takes for ever.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = _TRIES + len(text)

    def types(self, start: int) -> Iterator[tuple[DataType, int]]:
        """Yield types."""
        text = self._text
        word = _WORD.match(text, start)
        if word is None:
            return
        name, end = word[0].upper(), word.end()
        inside = _OPEN.match(text, end)
        match name:
            case "ARRAY" if inside:
                yield from self.array(inside.end())
            case "MAP" if inside:
                yield from self.map(inside.end())
            case "STRUCT" if inside:
                yield from self.struct(inside.end())
            case "DECIMAL" if digits := _DECIMAL.match(text, end):
                yield _decimal_type(digits[1], digits[2]), digits.end()
            case _ if (name in _KINDS or name in _ALIASES) and not _ARGUMENTS.match(text, end):
                yield _simple(name), end
            case _:
                end = _end_of_unknown(text, end)
                yield DataType(Kind.OTHER, text[start:end]), end

    def array(self, start: int) -> Iterator[tuple[DataType, int]]:
        """Yield arrays, from behind the bracket on."""
        for element, at in self.types(start):
            if close := _CLOSE.match(self._text, at):
                yield _array(element), close.end()

    def map(self, start: int) -> Iterator[tuple[DataType, int]]:
        """Yield maps, from behind the bracket on."""
        for key, at in self.types(start):
            if comma := _COMMA.match(self._text, at):
                for value, then in self.types(comma.end()):
                    if close := _CLOSE.match(self._text, then):
                        yield _map(key, value), close.end()

    def struct(self, start: int) -> Iterator[tuple[DataType, int]]:
        """Yield structs, from behind the bracket on."""
        if close := _CLOSE.match(self._text, start):
            yield _struct(()), close.end()
        for fields, at in self.members(start, nested=True):
            yield _struct((one.name.replace("``", "`"), one.type) for one in fields), at

    def members(self, start: int, *, nested: bool) -> Iterator[tuple[list[_Member], int]]:
        """Yield the fields of a struct up to its bracket or, not nested, columns up to the end of the text.

        Only the first way to each end. The stack is our own: a schema may have more columns than Python has
        levels of recursion.
        """
        ways, done, seen = [self.member(start, nested=nested)], list[_Member](), set[int]()
        while ways:
            way = next(ways[-1], None)
            if way is None:
                ways.pop()
                if done:
                    done.pop()
                continue
            member, end, is_last = way
            if end in seen:
                continue
            seen.add(end)
            if is_last:
                yield [*done, member], end
            else:
                done.append(member)
                ways.append(self.member(end, nested=nested))

    def member(self, start: int, *, nested: bool) -> Iterator[tuple[_Member, int, bool]]:
        """Yield members, each with the place where the next one begins and whether there is none."""
        for name, at in self.names(start):
            for data_type, end in self.types(at):
                role = None if nested else _ROLE.match(self._text, end)
                then = role.end() if role else end
                if not nested and role is None:
                    continue
                member = _Member(name, data_type, bool(role and role[0].endswith("KEY")))
                if close := (_CLOSE if nested else _END).match(self._text, then):
                    yield member, close.end(), True
                elif comma := _COMMA.match(self._text, then):
                    yield member, comma.end(), False

    def names(self, start: int) -> Iterator[tuple[str, int]]:
        """Yield names."""
        if not self._text.startswith("`", start):
            word = _NAME.match(self._text, start)
            if word:
                yield word[1].upper(), word.end()
            return
        end = self._text.find("` ", start + 1)
        while end >= 0:
            self._left -= 1
            if not self._left:
                raise ValueError(f"There are too many ways to read this: {self._text[:200]}")
            yield self._text[start + 1 : end], end + 2
            end = self._text.find("` ", end + 1)


def _end_of_unknown(text: str, at: int) -> int:
    """Return the place behind the arguments, in whatever brackets, of a type that is not known."""
    if arguments := _ARGUMENTS.match(text, at):
        return arguments.end()
    if text.startswith("<", at):
        depth = 0
        for place in range(at, len(text)):
            depth += {"<": 1, ">": -1}.get(text[place], 0)
            if not depth:
                return place + 1
    return at


def decoder(data_type: DataType) -> Decoder:
    """Return the function from a raw JSON value (never None) to the Python value.

    A date or a time stamp in a year that Python has no date for stays as it came.
    """
    children = [nullable(decoder(child)) for child in data_type.children]
    match data_type.kind:
        case Kind.FLOAT64:
            return float
        case Kind.DECIMAL:
            return decimals(data_type.scale) if data_type.precision else decimal.Decimal
        case Kind.BYTES:
            return base64.b64decode
        case Kind.DATE:
            return _date
        case Kind.TIME:
            return _time
        case Kind.TIMESTAMP_UTC:
            return _timestamp
        case Kind.ARRAY:
            element = children[0]
            return lambda raw: [element(item) for item in raw]
        case Kind.MAP:
            return _mapping(_KEYS.get(data_type.children[0].kind, as_is), children[1])
        case Kind.ROW:
            return _row(dict(zip(data_type.names, children, strict=True)))
        case _:
            return as_is


def _date(raw: str | int) -> Any:
    try:
        if isinstance(raw, int):
            return _EPOCH.date() + dt.timedelta(days=raw)
        return dt.date.fromisoformat(raw)
    except (ValueError, OverflowError):
        return raw


def _time(raw: str | int) -> dt.time:
    if isinstance(raw, int):
        return (_EPOCH + dt.timedelta(milliseconds=raw)).time()
    return dt.time.fromisoformat(raw)


def _timestamp(raw: str | int) -> Any:
    try:
        if isinstance(raw, int):
            return _EPOCH + dt.timedelta(milliseconds=raw)
        return dt.datetime.fromisoformat(raw).replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return raw


def _mapping(key: Decoder, value: Decoder) -> Decoder:
    """Return the decoder of a MAP: an object; in a STRUCT a list of pairs where its keys are not strings."""
    return lambda raw: {
        key(one): value(item) for one, item in (raw.items() if isinstance(raw, dict) else raw)
    }


def _row(fields: dict[str, Decoder]) -> Decoder:
    """Return the decoder of a STRUCT: by name, or by place where a back-tick makes a name uncertain."""
    in_order = list(fields.values())

    def decode(raw: dict[str, Any]) -> dict[str, Any]:
        if raw.keys() == fields.keys():
            return {name: fields[name](item) for name, item in raw.items()}
        return {name: decode(item) for (name, item), decode in zip(raw.items(), in_order, strict=True)}

    return decode
