"""KSQL text to statements, as far as the tiny server knows them; refusals are worded as a 7.4 words them."""

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from ksqldb.tiny_sql import RESERVED, Column, Expr, KsqlError, Reader, literal, tokenize

_VARIABLE = re.compile(r"\$\{(\w+)\}")
STARTS = [
    "ALTER",
    "CREATE",
    "DEFINE",
    "DESCRIBE",
    "DROP",
    "EXPLAIN",
    "INSERT",
    "LIST",
    "PAUSE",
    "PRINT",
    "RESUME",
    "SELECT",
    "SET",
    "SHOW",
    "TERMINATE",
    "UNDEFINE",
    "UNSET",
]
UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}


@dataclass
class Window:
    kind: str
    text: str
    size: int  # ms, as all of them
    advance: int
    grace: int = 86_400_000


@dataclass
class Select:
    text: str
    items: list  # (expression, alias)
    source: str
    alias: str
    window: Window | None = None
    where: Expr | None = None
    partition: Expr | None = None
    group: list = field(default_factory=list)
    having: Expr | None = None
    emit: str = ""
    limit: int | None = None


@dataclass
class Statement:
    """One statement: ``verb`` its first word, ``kind`` STREAM or TABLE, ``options`` its flags (REPLACE, …)."""

    text: str
    verb: str
    kind: str = ""
    name: str = ""
    options: set = field(default_factory=set)
    columns: list | None = None
    properties: dict = field(default_factory=dict)
    select: Select | None = None
    values: list | None = None
    inner: Any = None
    limit: int | None = None


def parse(text, variables):
    """Return the statements of a request; DEFINE and UNDEFINE among them change ``variables`` for those after."""
    tokens, end = tokenize(text)
    statements, begin = [], 0
    while begin < len(tokens):
        stop = next((at for at in range(begin, len(tokens)) if tokens[at].text == ";"), None)
        own = tokens[begin : None if stop is None else stop + 1]
        source = text[own[0].start : own[-1].start + len(own[-1].text)]
        known = {name.upper(): value for name, value in variables.items()}
        put = _VARIABLE.sub(lambda m, known=known: known.get(m[1].upper(), m[0]), source)
        last = end if stop is None else own[-1]
        if put != source:
            own, last = tokenize(put)
        try:
            statement = Parser(put, own, last).statement()
        except KsqlError as error:
            error.text = error.text or put
            raise
        statements.append(statement)
        if statement.verb == "DEFINE":
            variables[statement.name] = statement.inner
        begin += len(own) if put == source else stop + 1 - begin
    return statements


class Parser(Reader):
    """Reads one statement."""

    def statement(self):
        first = self.peek()
        if first.word not in STARTS:
            near = difflib.get_close_matches(first.text.upper(), STARTS, 1, 0)
            self.fail(
                f"Unknown statement '{first.text}'" + "".join(f"\nDid you mean '{one}'?" for one in near)
            )
        verb = "SELECT" if first.word == "SELECT" else self.take().word
        made = getattr(self, f"_{verb.lower()}")()
        made.text, made.verb = self.text, "LIST" if verb == "SHOW" else verb
        self.expect(";")
        return made

    def _list(self):
        everything = self.accept("ALL")
        what = self.one_of(
            "STREAMS", "TABLES", "TOPICS", "QUERIES", "PROPERTIES", "VARIABLES", "TYPES", "FUNCTIONS"
        )
        if self.peek().text != ";" and self.peek().word != "EXTENDED":
            self.fail("Expecting ';'" if self.peek().kind != "end" else "missing ';' at '<EOF>'")
        options = {"EXTENDED"} if self.accept("EXTENDED") else set()
        return Statement("", "", what, options=options | ({"ALL"} if everything else set()))

    _show = _list

    def _describe(self):
        if self.accept("FUNCTION"):
            return Statement("", "", "FUNCTION", self.take().value)
        if self.peek().word in ("STREAMS", "TABLES"):
            return Statement(
                "", "", self.take().word, options={"EXTENDED"} if self.accept("EXTENDED") else {"WHOLE"}
            )
        name = self.name()
        return Statement("", "", "SOURCE", name, {"EXTENDED"} if self.accept("EXTENDED") else set())

    def _explain(self):
        if self.peek().word in ("SELECT", "CREATE", "INSERT"):
            start = self.peek().start - self.tokens[0].start
            inner = self.take_inner()
            inner.text = self.text[start:]
            return Statement("", "", "STATEMENT", inner=inner)
        return Statement("", "", "ID", self.take().value)

    def take_inner(self):
        verb = "SELECT" if self.peek().word == "SELECT" else self.take().word
        made = getattr(self, f"_{verb.lower()}")()
        made.verb = verb
        return made

    def _create(self):
        options = {"REPLACE"} if self.accept("OR", "REPLACE") else set()
        if self.accept("SOURCE"):
            options.add("SOURCE")
        kind = self.one_of("STREAM", "TABLE")
        if self.accept("IF", "NOT", "EXISTS"):
            options.add("EXISTS")
        made = Statement("", "", kind, self.name(), options)
        if self.accept("("):
            made.columns = [self._column()]
            while self.accept(","):
                made.columns.append(self._column())
            self.expect(")")
        made.properties = self._with()
        if made.columns is None:
            self.expect("AS")
            made.select = self._select().select
        return made

    def _column(self):
        name, kind = self.name(), self.type()
        key = self.accept("PRIMARY", "KEY") or self.accept("KEY")
        return Column(name, kind, key)

    def _with(self):
        found = {}
        if self.accept("WITH"):
            self.expect("(")
            while True:
                name = self.take().value.upper()
                self.expect("=")
                token = self.take()
                found[name] = token.value if token.kind == "string" else literal(token)
                if not self.accept(","):
                    break
            self.expect(")")
        return found

    def _insert(self):
        self.expect("INTO")
        made = Statement("", "", name=self.name())
        if self.accept("("):
            made.columns = [self.name()]
            while self.accept(","):
                made.columns.append(self.name())
            self.expect(")")
        if self.accept("VALUES"):
            self.expect("(")
            made.values = [self.expression()]
            while self.accept(","):
                made.values.append(self.expression())
            self.expect(")")
        else:
            made.properties = self._with()
            made.select = self._select().select
        return made

    def _drop(self):
        kind = self.one_of("STREAM", "TABLE")
        options = {"EXISTS"} if self.accept("IF", "EXISTS") else set()
        made = Statement("", "", kind, self.name(), options)
        if self.accept("DELETE", "TOPIC"):
            options.add("TOPIC")
        return made

    def _terminate(self):
        if self.peek(1).text != ";":
            self.accept("QUERY")
        return Statement("", "", name=self.take().value.upper())

    _pause = _resume = _terminate

    def _set(self):
        name = self.string()
        self.expect("=")
        return Statement("", "", name=name, inner=self.string())

    def _unset(self):
        return Statement("", "", name=self.string())

    def _define(self):
        name = self.take().text
        self.expect("=")
        return Statement("", "", name=name, inner=self.string())

    def _undefine(self):
        return Statement("", "", name=self.take().text)

    def _alter(self):
        made = Statement("", "", self.one_of("STREAM", "TABLE"), self.name(), columns=[])
        while self.accept("ADD"):
            self.accept("COLUMN")
            made.columns.append(self._column())
            self.accept(",")
        return made if made.columns else self.fail()

    def _print(self):
        token = self.take()
        made = Statement("", "", name=token.value if token.kind in ("string", "quoted") else token.text)
        if self.accept("FROM", "BEGINNING"):
            made.options.add("BEGINNING")
        if self.accept("INTERVAL") or self.accept("SAMPLE"):
            self.number()
        made.limit = self.number() if self.accept("LIMIT") else None
        return made

    def _select(self):
        start = self.peek().start - self.tokens[0].start
        self.expect("SELECT")
        items = [self._item()]
        while self.accept(","):
            items.append(self._item())
        if not self.accept("FROM"):
            self.fail("Expecting {',', 'FROM'}")
        source = self.name()
        alias = self.name() if self.accept("AS") or self._alias_follows() else source
        made = Select("", items, source, alias)
        if self.accept("WINDOW"):
            made.window = self._window()
        made.where = self.expression() if self.accept("WHERE") else None
        made.partition = self.expression() if self.accept("PARTITION", "BY") else None
        if self.accept("GROUP", "BY"):
            made.group = [self.expression()]
            while self.accept(","):
                made.group.append(self.expression())
        made.having = self.expression() if self.accept("HAVING") else None
        if self.accept("EMIT"):
            made.emit = self.one_of("CHANGES", "FINAL")
        made.limit = self.number() if self.accept("LIMIT") else None
        if self.peek().word in ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER"):
            self.fail("The tiny server knows no joins")
        made.text = self.text[start:]
        return Statement("", "", select=made)

    def _alias_follows(self):
        token = self.peek()
        words = {*RESERVED, "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "JOIN"}
        return token.kind == "quoted" or (token.kind == "word" and token.word not in words)

    def _item(self):
        if self.peek().text == "*":
            return Expr("star", at=self.take().at), None
        made = self.expression()
        if self.accept("AS") or self._alias_follows():
            return made, self.name()
        return made, None

    def _window(self):
        start = self.at
        kind = self.one_of("TUMBLING", "HOPPING", "SESSION")
        self.expect("(")
        spans = {"SIZE": self._span()} if kind == "SESSION" else {}
        while not self.accept(")"):
            what = self.one_of("SIZE", "ADVANCE", "RETENTION", "GRACE", ",")
            if what != ",":
                self.accept("BY") or self.accept("PERIOD")
                spans[what] = self._span()
        words = [token.text.upper() for token in self.tokens[start : self.at]]
        shown = [f"{word}S" if word in UNITS else word for word in words]
        size = spans["SIZE"]
        text = f"WINDOW {' '.join(shown)} "
        return Window(kind, text, size, spans.get("ADVANCE", size), spans.get("GRACE", 86_400_000))

    def _span(self):
        return self.number() * UNITS.get(self.take().word.removesuffix("S"), 1) * 1000
