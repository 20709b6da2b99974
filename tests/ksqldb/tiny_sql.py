"""KSQL's tokens, types and expressions, as far as the tiny server knows them."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>`(?:[^`]|``)*`|"(?:[^"]|"")*")
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<word>\$\{\w+\}|[A-Za-z_][A-Za-z0-9_@]*)
    |(?P<op>:=|->|<>|!=|<=|>=|\|\||.)""",
    re.DOTALL | re.VERBOSE,
)
RESERVED = {
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CREATE",
    "DROP",
    "EMIT",
    "ELSE",
    "END",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INSERT",
    "INTO",
    "IS",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "PARTITION",
    "SELECT",
    "THEN",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
}
_TYPES = {"INT": "INTEGER", "VARCHAR": "STRING", "DEC": "DECIMAL"}


class KsqlError(Exception):
    """A refusal; ``text`` is the statement that it speaks of, ``generic`` whether it is not a statement's."""

    def __init__(self, message, text="", code=40001, status="400 Bad Request", generic=False):
        super().__init__(message)
        self.message, self.text, self.code, self.status, self.generic = message, text, code, status, generic


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    line: int
    column: int

    @property
    def word(self):
        """The keyword it may be; "" for everything that is quoted or no word."""
        return self.text.upper() if self.kind in ("word", "op", "end") else ""

    @property
    def value(self):
        if self.kind in ("string", "quoted"):
            quote = self.text[0]
            return self.text[1:-1].replace(quote * 2, quote)
        return self.text.upper()

    @property
    def at(self):
        return self.line, self.column


def quoted(name):
    """Return a name as it has to be typed."""
    plain = re.fullmatch(r"[A-Z_][A-Z0-9_@]*", name) and name not in RESERVED
    return name if plain else f"`{name.replace('`', '``')}`"


@dataclass(frozen=True)
class SqlType:
    """A type; ``args`` are a DECIMAL's numbers or the members' types, ``fields`` a STRUCT's."""

    base: str
    args: tuple = ()
    fields: tuple = ()

    def __str__(self):
        """Return it as the head of a result names it."""
        return self._text(lambda name: f"`{name}`")

    @property
    def ddl(self):
        """The type as a normalised statement has it."""
        return self._text(quoted)

    def _text(self, named):
        if self.base == "DECIMAL":
            return f"DECIMAL({self.args[0]}, {self.args[1]})"
        if self.fields:
            return (
                "STRUCT<"
                + ", ".join(f"{named(name)} {kind._text(named)}" for name, kind in self.fields)
                + ">"
            )
        return self.base + (f"<{', '.join(one._text(named) for one in self.args)}>" if self.args else "")

    def json(self):
        """Return it as DESCRIBE shows it."""
        fields = (
            [{"name": name, "schema": kind.json()} for name, kind in self.fields] if self.fields else None
        )
        member = self.args[-1].json() if self.base in ("ARRAY", "MAP") else None
        told = {"type": self.base, "fields": fields, "memberSchema": member}
        if self.base == "DECIMAL":
            told["parameters"] = {"precision": self.args[0], "scale": self.args[1]}
        return told


STRING, INTEGER, BIGINT = SqlType("STRING"), SqlType("INTEGER"), SqlType("BIGINT")
DOUBLE, BOOLEAN = SqlType("DOUBLE"), SqlType("BOOLEAN")


@dataclass(frozen=True)
class Column:
    name: str
    type: SqlType
    key: bool = False


@dataclass(frozen=True)
class Expr:
    """An expression; ``op`` tells what it is and ``value`` what else it needs.

    lit, col, call, bin, not, neg, null, in, between, like, cast, case, array, map, struct, index, field, star
    """

    op: str
    args: tuple = ()
    value: Any = None
    at: tuple = field(default=(1, 1), compare=False)

    def walk(self):
        yield self
        for arg in self.args:
            yield from arg.walk()


def tokenize(text):
    tokens, line, begin = [], 1, 0
    for found in _TOKEN.finditer(text):
        if found.lastgroup != "skip":
            tokens.append(Token(found.lastgroup, found[0], found.start(), line, found.start() - begin + 1))
        if newlines := found[0].count("\n"):
            line, begin = line + newlines, found.start() + found[0].rindex("\n") + 1
    return tokens, Token("end", "<EOF>", len(text), line, len(text) - begin + 1)


class Reader:
    """Reads tokens one after another: names, types and expressions."""

    def __init__(self, text, tokens, end):
        self.text, self.tokens, self.end, self.at = text, tokens, end, 0

    # Tokens

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else self.end

    def take(self):
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *words):
        """Take these words if they come next."""
        if all(self.peek(place).word == word for place, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words):
        for word in words:
            if not self.accept(word):
                self.fail("missing ';' at '<EOF>'" if (word, self.peek().kind) == (";", "end") else "")

    def one_of(self, *words):
        return self.take().word if self.peek().word in words else self.fail()

    def fail(self, message=""):
        token = self.peek()
        message = message or f"Syntax error at or near '{token.text}' at line {token.line}:{token.column}"
        raise KsqlError(f"line {token.line}:{token.column}: Syntax Error\n{message}")

    def name(self):
        token = self.peek()
        if token.kind == "quoted" or (token.kind == "word" and token.word not in RESERVED):
            self.at += 1
            if token.text.startswith("${"):
                where = f"Illegal argument at Line: {token.line}, Col: {token.column}. "
                allowed = (
                    f"Source names may only contain alphanumeric values, '_' or '-'. Got: '{token.value}'"
                )
                raise KsqlError(where + allowed, token.value)
            return token.value
        return self.fail()

    def string(self):
        return self.take().value if self.peek().kind == "string" else self.fail()

    def number(self):
        return int(self.take().text) if self.peek().text.isdigit() else self.fail()

    def type(self):
        token = self.take()
        base = _TYPES.get(token.word, token.word)
        if base == "DECIMAL":
            self.expect("(")
            precision = self.number()
            scale = self.number() if self.accept(",") else 0
            self.expect(")")
            return SqlType(base, (precision, scale))
        if base in ("ARRAY", "MAP", "STRUCT"):
            self.expect("<")
            parts = [self._field() if base == "STRUCT" else self.type()]
            while self.accept(","):
                parts.append(self._field() if base == "STRUCT" else self.type())
            self.expect(">")
            return SqlType(base, fields=tuple(parts)) if base == "STRUCT" else SqlType(base, tuple(parts))
        if base not in (
            "BOOLEAN",
            "INTEGER",
            "BIGINT",
            "DOUBLE",
            "STRING",
            "BYTES",
            "TIMESTAMP",
            "DATE",
            "TIME",
        ):
            self.at -= 1
            self.fail()
        return SqlType(base)

    def _field(self):
        return self.name(), self.type()

    # Expressions

    def expression(self):
        left = self._and()
        while self.peek().word == "OR":
            left = Expr("bin", (left, self._after(self._and)), "OR")
        return left

    def _and(self):
        left = self._not()
        while self.peek().word == "AND":
            left = Expr("bin", (left, self._after(self._not)), "AND")
        return left

    def _after(self, rule):
        self.at += 1
        return rule()

    def _not(self):
        return Expr("not", (self._not(),)) if self.accept("NOT") else self._comparison()

    def _comparison(self):
        left = self._sum()
        while True:
            if self.peek().text in ("=", "<>", "!=", "<", "<=", ">", ">="):
                op = self.take().text
                left = Expr("bin", (left, self._sum()), "<>" if op == "!=" else op)
                continue
            if self.accept("IS"):
                negated = self.accept("NOT")
                self.expect("NULL")
                left = Expr("null", (left,), negated)
                continue
            negated = self.accept("NOT")
            if self.accept("IN"):
                self.expect("(")
                left = Expr("in", (left, *self._list_until(")")), negated)
            elif self.accept("LIKE"):
                left = Expr("like", (left, self._sum()), negated)
            elif self.accept("BETWEEN"):
                low = self._sum()
                self.expect("AND")
                left = Expr("between", (left, low, self._sum()), negated)
            elif negated:
                self.fail()
            else:
                return left

    def _sum(self):
        left = self._product()
        while self.peek().text in ("+", "-", "||"):
            op = self.take().text
            left = Expr("bin", (left, self._product()), op)
        return left

    def _product(self):
        left = self._unary()
        while self.peek().text in ("*", "/", "%"):
            op = self.take().text
            left = Expr("bin", (left, self._unary()), op)
        return left

    def _unary(self):
        if self.accept("-"):
            inner = self._unary()
            return Expr("lit", value=-inner.value) if inner.op == "lit" else Expr("neg", (inner,))
        return self._postfix()

    def _postfix(self):
        made = self._primary()
        while True:
            if self.accept("["):
                made = Expr("index", (made, self.expression()))
                self.expect("]")
            elif self.accept("->"):
                made = Expr("field", (made,), self.name())
            else:
                return made

    def _list_until(self, closing):
        found = []
        while not self.accept(closing):
            found.append(Expr("star") if self.accept("*") else self.expression())
            self.accept(",")
        return found

    def _primary(self):  # noqa: C901 - one branch a form
        token = self.peek()
        if token.kind == "string":
            return Expr("lit", value=self.take().value)
        if token.kind == "number":
            return Expr("lit", value=literal(self.take()))
        if token.word in ("TRUE", "FALSE", "NULL"):
            return Expr("lit", value={"TRUE": True, "FALSE": False, "NULL": None}[self.take().word])
        if self.accept("("):
            made = self.expression()
            self.expect(")")
            return made
        if self.accept("CAST", "("):
            made = self.expression()
            self.expect("AS")
            made = Expr("cast", (made,), self.type())
            self.expect(")")
            return made
        if self.accept("CASE"):
            return self._case()
        if self.accept("ARRAY", "["):
            return Expr("array", tuple(self._list_until("]")))
        if token.word in ("MAP", "STRUCT") and self.peek(1).text == "(":
            self.at += 2
            names, values = [], []
            while not self.accept(")"):
                names.append(self.string() if token.word == "MAP" else self.name())
                self.expect(":=")
                values.append(self.expression())
                self.accept(",")
            return Expr(token.word.lower(), tuple(values), tuple(names))
        if token.kind == "word" and self.peek(1).text == "(":
            self.at += 2
            return Expr("call", tuple(self._list_until(")")), token.value, token.at)
        name = self.name()
        if self.accept("."):
            name = self.name()
        return Expr("col", value=name, at=token.at)

    def _case(self):
        parts = []
        subject = None if self.peek().word == "WHEN" else self.expression()
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            parts += [Expr("bin", (subject, condition), "=") if subject else condition, self.expression()]
        parts.append(self.expression() if self.accept("ELSE") else Expr("lit"))
        self.expect("END")
        return Expr("case", tuple(parts))


def literal(token):
    text = token.text
    if token.kind != "number":
        return {"TRUE": True, "FALSE": False}.get(token.word, token.value)
    return float(text) if "e" in text.lower() else Decimal(text) if "." in text else int(text)
