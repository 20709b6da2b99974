"""A DataFrame as a table of Flink's SQL: a query in parentheses, of VALUES with the columns' types.

What stands in VALUES are plain literals only. With anything else in it, be it CAST(NULL AS …), Flink plans a
source of its own for each row. So a column that has NULLs or numbers that no literal has is written as
strings, and read from them by the SELECT around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.literals import NAMES
from streammagic.sql.literals_columns import by_dtype, by_values
from streammagic.sql.literals_plain import series_values
from streammagic.sql.literals_text import quoted
from streammagic.sql.naming import is_writable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.sql.literals_columns import ColumnKind

MAX_CELLS = 2_000
"""The cells of the largest DataFrame that is written as VALUES.

Planning grows faster than the table. On two cores, from sending it to its last row: 2,000 cells of text take
2.3 to 3.6 s, whether 2,000 rows of 1 or 20 of 100 columns, and 4,000 take 3.6 to 6.8 s. At 10,000 the code
that Flink generates does not compile. 5,000 cells of integers take 1.4 s.
"""


def table(frame: Any) -> str:
    """Return a DataFrame as a query in parentheses, which may stand after FROM with and without a name.

    The index is left out. Raises `OptionError` for more than `MAX_CELLS`, columns whose names are no names in
    SQL, and columns of no type or of several.
    """
    names = _names(frame)
    if frame.size > MAX_CELLS:
        raise OptionError(
            f"The DataFrame has {frame.size:,} cells ({len(frame):,} rows of {len(names):,} columns), and a "
            f"query may hold {MAX_CELLS:,}.",
            hint="%stream load DF --as NAME --topic TOPIC puts it into a topic and makes a table of that.",
        )
    columns = [_column(name, frame.iloc[:, at]) for at, name in enumerate(names)]
    ticked = ["`" + name.replace("`", "``") + "`" for name in names]
    if not len(frame):
        nulls = (
            f"CAST(NULL AS {kind.type}) AS {name}" for name, (kind, _) in zip(ticked, columns, strict=True)
        )
        return f"(SELECT {', '.join(nulls)} FROM (VALUES (0)) AS t(c1) WHERE FALSE)"  # noqa: S608 - each part is written here
    written = [_write(kind, values, f"c{at}") for at, (kind, values) in enumerate(columns, 1)]
    selected = ", ".join(f"{read} AS {name}" for (read, _), name in zip(written, ticked, strict=True))
    rows = ", ".join(f"({', '.join(row)})" for row in zip(*(cells for _, cells in written), strict=True))
    stored = ", ".join(f"c{at}" for at, _ in enumerate(columns, 1))
    return f"(SELECT {selected} FROM (VALUES {rows}) AS t({stored}))"  # noqa: S608 - likewise


def columns_of(frame: Any) -> tuple[tuple[str, str], ...]:
    """Return the names of a DataFrame's columns and their types in Flink's SQL. Raises as `table` does."""
    named = enumerate(_names(frame))
    return tuple((name, _column(name, frame.iloc[:, at])[0].type) for at, name in named)


def _names(frame: Any) -> list[str]:
    names = list(frame.columns)
    if not names:
        raise OptionError("The DataFrame has no columns.", hint="A table of SQL needs at least one.")
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise OptionError(
                f"The DataFrame has a column named {name!r}, and a name in SQL is a str.",
                hint="Rename its columns: df.rename(columns=str), or df.columns = [...].",
            )
        if not is_writable(name):
            raise OptionError(
                f"The DataFrame has a column named {name!r}, which can't be a name in SQL.",
                hint=NAMES,
            )
        if name in seen:
            raise OptionError(
                f"The DataFrame has two columns named {name!r}.", hint="Rename one: df.columns = [...]."
            )
        seen.add(name)
    return names


def _column(name: str, series: Any) -> tuple[ColumnKind, list[Any]]:
    """Return how a column is written and its values."""
    values = series_values(series)
    dtype = getattr(series.dtype, "categories", series).dtype
    try:
        kind = by_dtype(str(dtype).lower().removesuffix("[pyarrow]"), dtype) or by_values(values)
    except OptionError as error:
        raise OptionError(f"Column {name!r}: {error.message}", hint=error.hint) from None
    return kind, values


def _write(kind: ColumnKind, values: Sequence[Any], ref: str) -> tuple[str, list[str]]:
    """Return the expression that reads a column from VALUES, and its cells."""
    plain = [None if value is None else kind.plain(value) for value in values]
    stored = kind.stored or kind.type
    if None not in plain:
        return kind.read.format(f"CAST({ref} AS {stored})"), [cell for cell in plain if cell is not None]
    if kind.type == "BYTES":  # no string is read as bytes
        null = next(cell for cell in _spare_bytes() if cell not in plain)
        return f"CAST(NULLIF({ref}, {null}) AS BYTES)", [cell or null for cell in plain]
    texts = [None if value is None else kind.text(value) for value in values]
    null = "NULL"
    while null in texts:
        null += "_"
    cells = [quoted(null if text is None else text) for text in texts]
    source = f"NULLIF({ref}, {quoted(null)})" if None in texts else ref
    return kind.read.format(f"CAST({source} AS {stored})"), cells


def _spare_bytes() -> Iterator[str]:
    yield from (f"X'{'00' * length}'" for length in range(MAX_CELLS + 1))
