"""Types and values of expressions: what a column of a result is, and what stands in it for a row."""

# ruff: noqa: C901, PLR0912 - one branch a form of expression

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from ksqldb.tiny_sql import BIGINT, BOOLEAN, DOUBLE, INTEGER, STRING, KsqlError, SqlType, quoted

AGGREGATES = {
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "AVG",
    "COUNT_DISTINCT",
    "COLLECT_LIST",
    "COLLECT_SET",
    "LATEST_BY_OFFSET",
    "EARLIEST_BY_OFFSET",
}
# What an expression may name besides the columns of its source.
PSEUDO = {"ROWTIME": BIGINT, "ROWPARTITION": INTEGER, "ROWOFFSET": BIGINT}
WINDOW_BOUNDS = {"WINDOWSTART": BIGINT, "WINDOWEND": BIGINT}
_NUMBERS = ["INTEGER", "BIGINT", "DECIMAL", "DOUBLE"]


def _first(types):
    return next((one for one in types if one is not None), STRING)


def _same(function):
    """Return a function that is NULL where any of its arguments is."""
    return lambda *args: None if any(arg is None for arg in args) else function(*args)


def _substring(text, start, length=None):
    begin = start - 1 if start > 0 else len(text) + start
    return text[begin : None if length is None else begin + length]


def _rounded(value, places=0):
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return math.floor(value * 10**places + 0.5) / 10**places if places else math.floor(value + 0.5)


# Name to (the type that it makes of those of its arguments, what it does).
FUNCTIONS = {
    "UCASE": (lambda _: STRING, _same(str.upper)),
    "LCASE": (lambda _: STRING, _same(str.lower)),
    "TRIM": (lambda _: STRING, _same(str.strip)),
    "LEN": (lambda _: INTEGER, _same(len)),
    "CONCAT": (lambda _: STRING, lambda *args: "".join(arg for arg in args if arg is not None)),
    "SUBSTRING": (lambda _: STRING, _same(_substring)),
    "REPLACE": (lambda _: STRING, _same(str.replace)),
    "ABS": (_first, _same(abs)),
    "FLOOR": (_first, _same(lambda x: type(x)(math.floor(x)))),
    "CEIL": (_first, _same(lambda x: type(x)(math.ceil(x)))),
    "ROUND": (lambda t: BIGINT if t[0] == DOUBLE and len(t) == 1 else t[0], _same(_rounded)),
    "IFNULL": (_first, lambda a, b: b if a is None else a),
    "COALESCE": (_first, lambda *args: next((arg for arg in args if arg is not None), None)),
    "NULLIF": (_first, lambda a, b: None if a == b else a),
    "GREATEST": (_first, lambda *args: max((arg for arg in args if arg is not None), default=None)),
    "LEAST": (_first, lambda *args: min((arg for arg in args if arg is not None), default=None)),
    "ARRAY_LENGTH": (lambda _: INTEGER, _same(len)),
    "SQRT": (lambda _: DOUBLE, _same(math.sqrt)),
}


def aggregates(expr):
    return any(one.op == "call" and one.value in AGGREGATES for one in expr.walk())


def check(expr, columns, clause="SELECT"):
    """Refuse names of columns and functions that there are not."""
    for one in expr.walk():
        if one.op == "col" and one.value not in columns:
            line, column = one.at
            raise KsqlError(f"Line: {line}, Col: {column}: {clause} column '{one.value}' cannot be resolved.")
        if one.op == "call" and one.value not in AGGREGATES and one.value not in FUNCTIONS:
            raise KsqlError(f"Can't find any functions with the name '{one.value}'")


def shown(expr, alias):
    """Return an expression as a normalised statement has it."""
    args = [shown(arg, alias) for arg in expr.args]
    match expr.op:
        case "lit":
            return _literal(expr.value)
        case "col":
            return f"{alias}.{quoted(expr.value)}" if alias else expr.value
        case "star":
            return "*"
        case "call":
            return f"{expr.value}({', '.join(args)})"
        case "bin":
            return f"({args[0]} {expr.value} {args[1]})"
        case "not":
            return f"(NOT {args[0]})"
        case "neg":
            return f"-{args[0]}"
        case "null":
            return f"({args[0]} IS {'NOT ' if expr.value else ''}NULL)"
        case "in":
            return f"({args[0]} {'NOT ' if expr.value else ''}IN ({', '.join(args[1:])}))"
        case "like":
            return f"({args[0]} {'NOT ' if expr.value else ''}LIKE {args[1]})"
        case "between":
            return f"({args[0]} {'NOT ' if expr.value else ''}BETWEEN {args[1]} AND {args[2]})"
        case "cast":
            return f"CAST({args[0]} AS {expr.value.ddl})"
        case "case":
            whens = "".join(f" WHEN {args[at]} THEN {args[at + 1]}" for at in range(0, len(args) - 1, 2))
            return f"(CASE{whens} ELSE {args[-1]} END)"
        case "array":
            return f"ARRAY[{', '.join(args)}]"
        case "index":
            return f"{args[0]}[{args[1]}]"
        case "field":
            return f"{args[0]}->{quoted(expr.value)}"
    names = [f"'{name}'" if expr.op == "map" else quoted(name) for name in expr.value]
    inside = ", ".join(f"{name}:={arg}" for name, arg in zip(names, args, strict=True))
    return f"{expr.op.upper()}({inside})"


def _literal(value):
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def type_of(expr, columns):
    """Return the type of an expression over columns of known types; None is that of NULL."""
    types = [type_of(arg, columns) for arg in expr.args if arg.op != "star"]
    match expr.op:
        case "lit":
            return _type_of_literal(expr.value)
        case "col":
            return columns[expr.value]
        case "cast":
            return expr.value
        case "not" | "null" | "in" | "like" | "between":
            return BOOLEAN
        case "neg":
            return types[0]
        case "bin":
            return _type_of_operation(expr, types)
        case "case":
            return _first([*types[1::2], types[-1]])
        case "array":
            return SqlType("ARRAY", (_first(types),))
        case "map":
            return SqlType("MAP", (STRING, _first(types)))
        case "struct":
            return SqlType("STRUCT", fields=tuple(zip(expr.value, types, strict=True)))
        case "index":
            return types[0].args[-1]
        case "field":
            return dict(types[0].fields)[expr.value]
    name = expr.value
    if name in FUNCTIONS:
        return FUNCTIONS[name][0](types)
    if name in ("COUNT", "COUNT_DISTINCT"):
        return BIGINT
    if name in ("COLLECT_LIST", "COLLECT_SET"):
        return SqlType("ARRAY", (types[0],))
    return DOUBLE if name == "AVG" else types[0]


def _type_of_literal(value):
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        return SqlType("DECIMAL", (max(len(digits), -exponent), -exponent))
    if isinstance(value, int) and not isinstance(value, bool):
        return INTEGER if -(2**31) <= value < 2**31 else BIGINT
    return {bool: BOOLEAN, float: DOUBLE, str: STRING}.get(type(value))


def _type_of_operation(expr, types):
    op, (left, right) = expr.value, types
    if op in ("AND", "OR", "=", "<>", "<", "<=", ">", ">="):
        return BOOLEAN
    if op == "||" or (op == "+" and left == right == STRING):
        return STRING
    if left is None or right is None or not {left.base, right.base} <= set(_NUMBERS):
        what = shown(expr, "")
        raise KsqlError(
            f"Error processing expression: {what}. Unsupported arithmetic types. {left} {right}\nStatement: {what}"
        )
    wider = max((left.base, right.base), key=_NUMBERS.index)
    if wider != "DECIMAL":
        return SqlType(wider)
    (p1, s1), (p2, s2) = (one.args or {"INTEGER": (10, 0), "BIGINT": (19, 0)}[one.base] for one in types)
    if op == "*":
        return SqlType("DECIMAL", (p1 + p2 + 1, s1 + s2))
    if op == "/":
        scale = max(6, s1 + p2 + 1)
        return SqlType("DECIMAL", (p1 - s1 + s2 + scale, scale))
    scale = max(s1, s2)
    return SqlType("DECIMAL", (max(p1 - s1, p2 - s2) + scale + 1, scale))


def evaluate(expr, row, group=()):
    """Return the value of an expression for a row; aggregates are those of the rows of its ``group``."""
    if expr.op == "call" and expr.value in AGGREGATES:
        return _aggregated(expr, group)
    if expr.op == "case":
        whens = zip(expr.args[0:-1:2], expr.args[1::2], strict=True)
        return evaluate(
            next((value for when, value in whens if evaluate(when, row, group)), expr.args[-1]), row, group
        )
    args = [evaluate(arg, row, group) for arg in expr.args]
    match expr.op:
        case "lit":
            return expr.value
        case "col":
            return row.get(expr.value)
        case "call":
            return FUNCTIONS[expr.value][1](*args)
        case "cast":
            return _cast(args[0], expr.value)
        case "array":
            return args
        case "map" | "struct":
            return dict(zip(expr.value, args, strict=True))
        case "null":
            return (args[0] is not None) if expr.value else args[0] is None
        case "bin" if expr.value in ("AND", "OR"):
            stop = expr.value == "OR"
            return stop if stop in args else None if None in args else not stop
    if args[0] is None or (len(args) > 1 and args[1] is None):
        return None
    match expr.op:
        case "bin":
            return _operated(expr.value, *args)
        case "not":
            return not args[0]
        case "neg":
            return -args[0]
        case "in":
            return (args[0] in args[1:]) != expr.value
        case "between":
            return (args[1] <= args[0] <= args[2]) != expr.value
        case "like":
            pattern = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign)) for sign in args[1])
            return (re.fullmatch(pattern, args[0], re.DOTALL) is not None) != expr.value
        case "index":
            return args[0].get(args[1]) if isinstance(args[0], dict) else _element(args[0], args[1])
    return args[0].get(expr.value)


def _cast(value, kind):
    try:
        return coerce(value, kind)
    except (ValueError, ArithmeticError):  # goes to the processing log, and the row has NULL
        return None


def _element(values, place):
    at = place - 1 if place > 0 else place
    return values[at] if -len(values) <= at < len(values) else None


def _operated(op, left, right):
    if isinstance(left, float) or isinstance(right, float):
        left, right = (float(one) if isinstance(one, int | Decimal) else one for one in (left, right))
    match op:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<" | "<=" | ">" | ">=":
            return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "||":
            return left + right
    if right == 0:
        return None
    if op == "%":
        return (
            math.fmod(left, right)
            if isinstance(left, float)
            else left - right * int(Decimal(left) / Decimal(right))
        )
    return (
        int(Decimal(left) / Decimal(right))
        if isinstance(left, int) and isinstance(right, int)
        else left / right
    )


def _aggregated(expr, group):
    argument = expr.args[0]
    if argument.op == "star":
        return len(group)
    values = [value for one in group if (value := evaluate(argument, one)) is not None]
    match expr.value:
        case "COUNT":
            return len(values)
        case "COUNT_DISTINCT":
            return len(set(values))
        case "COLLECT_LIST":
            return values
        case "COLLECT_SET":
            return list(dict.fromkeys(values))
        case "SUM":
            return sum(values)
    if not values:
        return None
    match expr.value:
        case "AVG":
            return float(sum(values)) / len(values)
        case "MIN" | "MAX":
            return {"MIN": min, "MAX": max}[expr.value](values)
    return values[-1] if expr.value == "LATEST_BY_OFFSET" else values[0]


def coerce(value, kind):
    """Return a value as one of a type; raises ValueError where it can't be one."""
    if value is None or kind is None:
        return None
    match kind.base:
        case "DECIMAL":
            return Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.args[1]), ROUND_HALF_UP)
        case "DOUBLE":
            return float(value)
        case "INTEGER" | "BIGINT":
            return int(value)
        case "STRING":
            return (
                value
                if isinstance(value, str)
                else str(value).lower()
                if isinstance(value, bool)
                else str(value)
            )
        case "BOOLEAN":
            return value.upper() == "TRUE" if isinstance(value, str) else bool(value)
        case "TIMESTAMP":
            return re.sub(r"(T[\d:]+)$", r"\1.000", value if "T" in value else value + "T00:00:00")
        case "TIME":
            return re.sub(r"^(\d\d:\d\d):00$", r"\1", value.partition(".")[0])
        case "ARRAY":
            return [coerce(one, kind.args[0]) for one in value]
        case "MAP":
            return {name: coerce(one, kind.args[1]) for name, one in value.items()}
        case "STRUCT":
            return {name: coerce(value.get(name), one) for name, one in kind.fields}
    return value
