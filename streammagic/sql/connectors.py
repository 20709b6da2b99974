"""The options of connectors and formats on the embedded Flink's class path, as Flink itself tells them.

`flink_connectors.json` holds them; `python tests/flink/connector_options.py` writes it anew.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING

from streammagic.sql.dialect import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "flink_connectors.json"


@functools.cache
def connectors() -> Mapping[str, tuple[Option, ...]]:
    """Return the options of each connector, without those of the formats.

    A key may hold ``#`` for the name of a column ("fields.#.min"), or end with ``.*`` where anything may
    follow ("properties.*").
    """
    return _read("connectors")


@functools.cache
def formats() -> Mapping[str, tuple[Option, ...]]:
    """Return the options of each format, with its name in front ("json.ignore-parse-errors")."""
    return _read("formats")


@functools.cache
def with_formats() -> Mapping[str, tuple[Option, ...]]:
    """Return the options of each connector; where it takes a format, which ones, and the options of those."""
    known = tuple(formats())
    of_formats = tuple(option for options in formats().values() for option in options)
    found = {}
    for name, options in connectors().items():
        given = tuple(option._replace(values=known) if _is_format(option) else option for option in options)
        found[name] = (*given, *(of_formats if any(map(_is_format, options)) else ()))
    return found


def _is_format(option: Option) -> bool:
    return option.key == "format" or option.key.endswith(".format")


def _read(kind: str) -> Mapping[str, tuple[Option, ...]]:
    text = resources.files("streammagic.sql").joinpath(_FILE).read_text(encoding="utf-8")
    return {
        name: tuple(Option(key, tuple(values)) for key, values in options.items())
        for name, options in json.loads(text)[kind].items()
    }
