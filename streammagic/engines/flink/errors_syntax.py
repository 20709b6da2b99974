"""What is wrong with a statement that Flink's parser refuses, told from the place where it stopped.

The parser says what it met and lists up to hundreds of tokens that it expected instead. Together with the
tokens around the place that is enough to name most slips: a reserved word, a typing error, a comma too many.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streammagic.sql.naming import RESERVED
from streammagic.sql.near import near

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.sql.statements import Statement, Token

RESERVED_WORDS = "sql/reference/overview/"
QUERIES = "sql/reference/queries/overview/"

_MET = re.compile(r'Encountered "((?:\\.|[^"\\])*)"|near the keyword \'(\w+)\'')
_EXPECTED = re.compile(r'^ {4}("[^"]+"|<\w+>)', re.MULTILINE)
_EXPECTED_KINDS = {"<EOF>": "the end", "IDENTIFIER": "a name", "STRING": "a string", "LITERAL": "a number"}
_EXPECTED_SHOWN = 10
_CLAUSES = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH")
_CLAUSE_ORDER = "SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT"
_JOINS_WORDS = frozenset(
    {"JOIN", "ON", "UNION", "AS", "AND", "OR", "BY", "INTO", "VALUES", "SET", "WITH", "END"}
)
_BEGINS = (
    "SELECT",
    "INSERT",
    "CREATE",
    "DROP",
    "ALTER",
    "SHOW",
    "DESCRIBE",
    "EXPLAIN",
    "WITH",
    "VALUES",
    "USE",
    "SET",
    "RESET",
    "EXECUTE",
    "BEGIN",
    "END",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "ANALYZE",
    "LOAD",
    "UNLOAD",
    "CALL",
    "ADD",
    "REMOVE",
)
_SHOWN = (
    "TABLES",
    "VIEWS",
    "DATABASES",
    "CATALOGS",
    "FUNCTIONS",
    "MODULES",
    "JARS",
    "JOBS",
    "COLUMNS",
    "PARTITIONS",
    "PROCEDURES",
    "CREATE",
    "CURRENT",
    "FULL",
    "USER",
)
_BEFORE_NAMES = frozenset({"FROM", "JOIN", "INTO", "TABLE", "VIEW", "DATABASE"})
_ELSEWHERE = {
    "TEXT": "STRING",
    "STR": "STRING",
    "VARCHAR2": "STRING",
    "NVARCHAR": "STRING",
    "UUID": "STRING",
    "JSON": "STRING",
    "INT32": "INT",
    "INT64": "BIGINT",
    "LONG": "BIGINT",
    "FLOAT32": "FLOAT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "NUMBER": "DECIMAL(10, 2)",
    "DATETIME": "TIMESTAMP(3)",
    "TIMESTAMPTZ": "TIMESTAMP_LTZ(3)",
}
"""Types of other systems, and what they are in Flink."""

INSERTS = "sql/reference/dml/insert/"
_QUOTES = {"'": "apostrophe", "`": "back-tick", '"': "double quote"}
_DOUBLE = "Flink writes names in `back-ticks` and strings in 'apostrophes', nothing in double quotes."
_OPERATORS = {
    "= =": ("Flink compares with one =.", "Write a = b."),
    ":": ("A colon can't stand here.", "A type is changed by CAST(x AS STRING)."),
}


class Slip(NamedTuple):
    """What is wrong; ``start`` is the offset in the statement's text where that shows, if it is known."""

    message: str
    hint: str = ""
    page: str = ""
    start: int | None = None


class _Around(NamedTuple):
    """A place among a statement's tokens: ``at`` is where the parser stopped, the end if at none."""

    statement: Statement
    at: int
    met: str
    expected: tuple[str, ...]

    @property
    def token(self) -> Token | None:
        tokens = self.statement.tokens
        return tokens[self.at] if self.at < len(tokens) else None

    @property
    def before(self) -> Token | None:
        return self.statement.tokens[self.at - 1] if self.at else None

    @property
    def word(self) -> str:
        return "" if self.token is None else self.token.word

    @property
    def after(self) -> Token | None:
        return next(iter(self.statement.tokens[self.at + 1 : self.at + 2]), None)

    @property
    def is_clause(self) -> bool:
        """Whether a clause begins here: ORDER and GROUP do with BY only, and are names else."""
        if self.word in ("ORDER", "GROUP"):
            return self.after is not None and self.after.word == "BY"
        return self.word in _CLAUSES and self.word not in ("OFFSET", "WINDOW")

    def start(self, token: Token | None) -> int:
        return (self.statement.end if token is None else token.start) - self.statement.start

    def slip(self, message: str, hint: str = "", page: str = "", token: Token | None = None) -> Slip:
        return Slip(message, hint, page, self.start(token or self.token))


def slip(message: str, statement: Statement | None, offset: int | None) -> Slip:
    """Say what is wrong. ``offset`` is where the parser stopped, in the statement's text."""
    found = _MET.search(message)
    met = "" if found is None else (found[1] or found[2] or "").replace("\\'", "'").replace('\\"', '"')
    words = expected(message)
    if statement is not None:
        around = _around(statement, offset, met, words)
        if around is not None:
            for rule in _RULES:
                if (told := rule(around)) is not None:
                    return told
    if met.endswith('"') or 'Encountered: "\\""' in message:
        return Slip("Double quotes have no meaning in Flink's SQL.", _DOUBLE)
    hint = listed(words)
    if met == "<EOF>" or "<EOF>" in message.partition("\nWas expecting")[0]:
        return Slip(
            "The statement ends too soon.", listed(tuple(word for word in words if word != "the end"))
        )
    return Slip(f"{met} is not expected here." if met else "", hint)


def expected(message: str) -> tuple[str, ...]:
    """Return the tokens that the parser expected, each in a word."""
    found = _EXPECTED.findall(message.partition("\nWas expecting")[2])
    return tuple(dict.fromkeys(map(_expectation, found)))


def listed(words: tuple[str, ...]) -> str:
    """Say in one line what the parser expected."""
    if not words:
        return ""
    more = ", …" if len(words) > _EXPECTED_SHOWN else "."
    return f"Expected here: {', '.join(words[:_EXPECTED_SHOWN])}{more}"


def _expectation(token: str) -> str:
    if token.startswith('"'):
        return token.strip('"')
    return next((text for kind, text in _EXPECTED_KINDS.items() if kind in token), token)


def _around(statement: Statement, offset: int | None, met: str, words: tuple[str, ...]) -> _Around | None:
    tokens = statement.tokens
    if met == "<EOF>" or (offset is None and not met):
        return _Around(statement, len(tokens), met, words)
    if offset is None:
        return None
    at = next((i for i, token in enumerate(tokens) if token.end - statement.start > offset), len(tokens))
    if " " in met:  # the parser looked ahead: the last token that it names is the one that it can't take
        at = min(at + met.count(" "), len(tokens))
    return _Around(statement, at, met, words)


def _open_quote(around: _Around) -> Slip | None:
    """Find a quote or comment that is never closed: it is always the last token."""
    token = around.statement.tokens[-1]
    if token.text.startswith("/*") and not token.text.endswith("*/"):
        return around.slip("The comment /* is not closed.", "Write */ behind it.", token=token)
    quote = token.text[0]
    if quote not in _QUOTES or (len(token.text) > 1 and token.text.endswith(quote)):
        return None
    return around.slip(f"The {_QUOTES[quote]} that opens here is not closed.", token=token)


def _double_quote(around: _Around) -> Slip | None:
    if around.token is None or not around.token.text.startswith('"'):
        return None
    return around.slip("Double quotes have no meaning in Flink's SQL.", _DOUBLE, RESERVED_WORDS)


def _emit(around: _Around) -> Slip | None:
    if around.word != "CHANGES":
        return None
    return around.slip("EMIT CHANGES is ksqlDB's.", "Flink follows changes without it.", token=around.before)


def _operator(around: _Around) -> Slip | None:
    told = _OPERATORS.get(around.met)
    return None if told is None else around.slip(*told)


def _comma_too_many(around: _Around) -> Slip | None:
    before = around.before
    if before is None or before.text != ",":
        return None
    if around.token is None or around.token.text == ")" or around.is_clause:
        return around.slip("There is a comma too many.", "Nothing follows it.", token=before)
    return None


def _misspelt(around: _Around) -> Slip | None:
    """Find a word that is nearly one expected: the one met, or the one before it, taken for an alias."""
    words = [word for word in around.expected if word.isalpha() and word.isupper() and len(word) > 2]  # noqa: PLR2004
    for token in filter(None, (around.before, around.token)):
        if (
            not token.word
            or token.word in RESERVED
            or token.word in words
            or _is_name(around.statement, token)
        ):
            continue
        meant = near(token.word, words)
        if meant:
            return around.slip(
                f"Flink does not understand {token.text} here.", f"Did you mean {meant[0]}?", token=token
            )
    return None


def _is_name(statement: Statement, token: Token) -> bool:
    """Tell whether a word can only be a name: that of a table, or a part of one."""
    at = statement.tokens.index(token)
    before = statement.tokens[at - 1] if at else None
    after = next(iter(statement.tokens[at + 1 : at + 2]), None)
    named = before is not None and (before.word in _BEFORE_NAMES or before.text == ".")
    return named or (after is not None and after.text in (".", "("))


def _show(around: _Around) -> Slip | None:
    """Find what can't be shown: the parser stops at SHOW itself."""
    tokens = around.statement.tokens
    if around.at or around.word != "SHOW" or len(tokens) < 2 or tokens[1].word in _SHOWN:  # noqa: PLR2004
        return None
    meant = near(tokens[1].word, _SHOWN)
    hint = f"Did you mean {meant[0]}?" if meant else f"SHOW takes {', '.join(_SHOWN)}."
    return around.slip(
        f"Flink does not understand {tokens[1].text} here.", hint, "sql/reference/utility/show/", tokens[1]
    )


def _end(around: _Around) -> Slip | None:
    if (
        around.word != "END"
        or around.before is None
        or around.before.text == ";"
        or around.expected == ("INSERT",)
    ):
        return None
    if "STATEMENT" not in around.statement.words or around.before.word == "BEGIN":
        return None
    return around.slip(
        "A semicolon is missing before END.", "Each INSERT of a statement set ends with one.", INSERTS
    )


def type_hint(name: str) -> str:
    """Say what a type of other systems is in Flink; "" for what is none that is known."""
    here = _ELSEWHERE.get(name.upper(), "")
    return f"Write {here}." if here else ""


def _option(around: _Around) -> Slip | None:
    """Find an option's key or value that is no string."""
    if around.token is None or around.expected[:1] != ("a string",) or "a name" in around.expected:
        return None
    if all(token.word != "WITH" for token in around.statement.tokens[: around.at]):
        return None
    text = around.token.text
    return around.slip(
        "Options and their values are strings.",
        f"Write '{text}' in apostrophes.",
        "connectors/table/overview/",
    )


def _reserved(around: _Around) -> Slip | None:
    """Find a reserved word where a name belongs."""
    token = around.token
    names = around.expected == () or "a name" in around.expected
    if token is None or token.word not in RESERVED or not names or token.word in _JOINS_WORDS:
        return None
    if token.word in _ELSEWHERE:
        return around.slip(
            f"{token.text} is no type of Flink.", type_hint(token.word), "sql/reference/data-types/"
        )
    calls = around.before is not None and around.before.text == "("
    if around.at == 0 or (calls and around.after is not None and around.after.text == "("):
        return None
    if around.is_clause:
        return around.slip(f"Something is missing before {token.text}.", listed(around.expected), QUERIES)
    return around.slip(
        f"{token.text} is a reserved word.", f"As a name it needs back-ticks: `{token.text}`.", RESERVED_WORDS
    )


def _unclosed(around: _Around) -> Slip | None:
    opened = _open_parentheses(around)
    if around.token is not None or not opened:
        return None
    return around.slip("The parenthesis that opens here is not closed.", token=opened[-1])


def _parenthesis(around: _Around) -> Slip | None:
    opened = _open_parentheses(around)
    if opened and ")" in around.expected and around.word in _CLAUSES:
        return around.slip(
            f"A parenthesis is not closed before {around.word}.", f"Write ) before {around.word}.", QUERIES
        )
    if around.token is not None and around.token.text == ")" and not opened:
        return around.slip("There is no ( for this ).", "Take it out.")
    return None


def _open_parentheses(around: _Around) -> list[Token]:
    opened: list[Token] = []
    for token in around.statement.tokens[: around.at]:
        if token.text == "(":
            opened.append(token)
        elif token.text == ")" and opened:
            opened.pop()
    return opened


def _clause_order(around: _Around) -> Slip | None:
    token = around.token
    if token is None or token.word not in _CLAUSES:
        return None
    place = _CLAUSES.index(token.word)
    for other in _clauses_before(around, token.depth):
        if _CLAUSES.index(other.word) > place > 0:
            return around.slip(
                f"{token.word} comes before {other.word}.", f"The order is {_CLAUSE_ORDER}.", QUERIES
            )
    return None


def _clauses_before(around: _Around, depth: int) -> Iterator[Token]:
    for token in reversed(around.statement.tokens[: around.at]):
        if token.depth == depth and token.word in _CLAUSES:
            yield token
            if token.word == "SELECT":
                return


def _limit(around: _Around) -> Slip | None:
    limits = [
        token for token in around.statement.tokens[max(around.at - 2, 0) : around.at] if token.word == "LIMIT"
    ]
    if not limits or around.token is None:
        return None
    return around.slip("LIMIT takes one whole number.", "Write LIMIT 10.", "sql/reference/queries/limit/")


def _comma_missing(around: _Around) -> Slip | None:
    before = around.before
    if before is None or around.token is None or "," not in around.expected or around.word in _CLAUSES:
        return None
    if around.token.text == "=" and before.text.startswith("'"):
        return around.slip(f"A comma is missing before {before.text}.", token=before)
    if not (around.word or around.token.text[0] in "'`"):
        return None
    return around.slip(f"{around.token.text} is not expected here.", "Is a comma missing before it?")


def _first_word(around: _Around) -> Slip | None:
    first = around.statement.tokens[0]
    if around.expected or not first.word or first.word in _BEGINS:
        return None
    meant = near(first.word, _BEGINS)
    hint = f"Did you mean {meant[0]}?" if meant else ""
    return around.slip(f"No statement of Flink's begins with {first.text}.", hint, RESERVED_WORDS, first)


_RULES = (
    _open_quote,
    _double_quote,
    _emit,
    _operator,
    _comma_too_many,
    _first_word,
    _clause_order,
    _limit,
    _show,
    _end,
    _unclosed,
    _misspelt,
    _parenthesis,
    _option,
    _reserved,
    _comma_missing,
)
