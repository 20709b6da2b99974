"""What Flink's JSON format takes for a type, as measured on Flink 2.3: a model for tests of inference."""

import re

NUMBER = (int, float)
LOCAL = {
    "ISO-8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?",
    "SQL": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?",
}


def takes(kind, value, standard="SQL"):
    """Tell whether a value of that `SqlType` comes out of Flink unchanged (null is always taken)."""
    if value is None:
        return True
    if kind.name == "ROW":
        named = dict(kind.fields)
        return isinstance(value, dict) and all(
            takes(named[name], held, standard) for name, held in value.items() if name in named
        )
    if kind.name == "MAP":
        return isinstance(value, dict) and all(takes(kind.element, held, standard) for held in value.values())
    if kind.name == "ARRAY":
        return isinstance(value, list) and all(takes(kind.element, held, standard) for held in value)
    return _takes_simple(kind.name, value, standard)


def _takes_simple(name, value, standard):
    number = isinstance(value, NUMBER) and not isinstance(value, bool)
    if name == "STRING":
        return True
    if name == "BOOLEAN":
        return isinstance(value, bool)
    if name == "BIGINT":
        return number and isinstance(value, int) and -(2**63) <= value < 2**63
    if name == "DECIMAL(38, 0)":
        return number and isinstance(value, int) and abs(value) < 10**38
    if name == "DOUBLE":
        return number
    if name == "DATE":
        return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    digits = int(re.search(r"\((\d)\)", name)[1])
    zone = "Z" if "LTZ" in name else ""
    if not isinstance(value, str) or not re.fullmatch(LOCAL[standard] + zone, value):
        return False
    return len(value.removesuffix("Z").partition(".")[2]) <= digits


def standard_of(schema):
    return schema.options.get(f"{schema.format}.timestamp-format.standard", "SQL")
