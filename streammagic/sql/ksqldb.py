"""ksqlDB's SQL: how it is cut, what its statements do, what can be read off them.

Source: ksqlDB's grammar (SqlBase.g4, the same from 0.29 on) and the "SQL" pages of its documentation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from streammagic.sql import foreign, keywords, loading, naming_ksqldb
from streammagic.sql.checks_ksqldb import KSQLDB_RULES
from streammagic.sql.dialect import Option
from streammagic.sql.literals_ksqldb import KsqlWriter
from streammagic.sql.naming_ksqldb import bare, normal_name
from streammagic.sql.statements import Kind, Lexer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.sql.loading import Loading
    from streammagic.sql.statements import Statement, Token

_PATTERN = re.compile(
    r"""
    (?: \s++ | --[^\r\n]*+ | /\*(?:[^*]++|\*(?!/))*+\*/ )*+  # what does not count
    (?:
      (?P<word>
        [^\W\d][\w@]*+
      | (?! \d++[eE][+-]?\d++ (?![\w@]) ) \d++[^\W\d][\w@]*+   # 1E3 is a number, 1ST a name
      )
    | (?P<other>
        '(?:[^']++|'')*+'
      | `(?:[^`]++|``)*+`
      | "(?:[^"]++|"")*+"
      | \$\{\s*+\w++\s*+\}  # a variable
      | \d++(?:\.\d*+)?(?:[eE][+-]?\d++)?
      | ['"`].*+   # an open quote: the rest is inside it
      | /\*.*+     # likewise an open comment
      | .
      )
    | \Z
    )
    """,
    re.DOTALL | re.VERBOSE,
)

LEXER = Lexer(_PATTERN, has_blocks=False, folds_names=True)
"""How ksqlDB's SQL is cut into tokens.

Other than in Flink ``//`` is no comment, ``/*+ … */`` is one, no backslash escapes, ``@`` is part of a name,
a name may begin with a digit, and ``${name}`` is one token. ksqlDB itself takes the line after an empty
``--`` into the comment, too (its rule wants one more character, and takes the line's end for it); here a
comment ends with its line.
"""

_BY_FIRST_WORD = {
    "SELECT": Kind.QUERY,
    "PRINT": Kind.QUERY,
    "LIST": Kind.ANSWER,
    "SHOW": Kind.ANSWER,
    "DESCRIBE": Kind.ANSWER,
    "DESC": Kind.ANSWER,
    "EXPLAIN": Kind.ANSWER,
    "SET": Kind.SESSION,
    "UNSET": Kind.SESSION,
    "DEFINE": Kind.SESSION,
    "UNDEFINE": Kind.SESSION,
    "HELP": Kind.CLIENT,
    "CLEAR": Kind.CLIENT,
    "EXIT": Kind.CLIENT,
    "QUIT": Kind.CLIENT,
    "HISTORY": Kind.CLIENT,
    "OUTPUT": Kind.CLIENT,
    "REQUEST": Kind.CLIENT,
    "SERVER": Kind.CLIENT,
    "SPOOL": Kind.CLIENT,
    "VERSION": Kind.CLIENT,
}
_AFTER_GROUP = frozenset({"HAVING", "EMIT", "LIMIT", "PARTITION"})
_ENDS_EXPRESSION = frozenset({"END", "NULL", "TRUE", "FALSE"})
_JOINS_ON = frozenset({"AND", "OR", "NOT", "IS", "LIKE", "IN", "BETWEEN", "DISTINCT", "ESCAPE"})
_CREATE_MODIFIERS = frozenset({"CREATE", "OR", "REPLACE", "SOURCE"})


class SelectItem(NamedTuple):
    """One thing that a query selects: its expression, evened out, and the name that it is given, if it is."""

    expression: str
    alias: str | None = None


class KsqlDialect:
    """The `Dialect` of ksqlDB, and what its engine reads off a statement. Names are returned as typed."""

    lexer = LEXER
    writer = KsqlWriter()
    rules = KSQLDB_RULES
    together = "Each query is a deployment of its own: give each a cell with %%stream deploy."
    vocabulary = keywords.KSQL

    def identifier(self, name: str) -> str:
        """Return one name as SQL has it."""
        return naming_ksqldb.identifier(name)

    def options(self) -> Mapping[str, Sequence[Option]]:
        """Return what the WITH of a CREATE takes."""
        from streammagic.sql import ksqldb_names

        return {"": [Option(*each) for each in ksqldb_names.with_properties(of_query=False)]}

    def settings(self) -> Sequence[Option]:
        """Return the properties that a person sets."""
        from streammagic.sql import ksqldb_names

        return [Option(*each) for each in ksqldb_names.SETTINGS]

    def loading(self, name: str, frame: Any, topic: str | None) -> Loading:
        """Return how a table is made of a DataFrame."""
        return loading.into_ksqldb(name, frame, topic)

    def classify(self, statement: Statement) -> Kind:
        """Say what a statement does.

        What is no query, setting or question is a definition: the server answers it at once, and what it
        starts lives on there.
        """
        words = statement.words
        if words[:2] == ("SET", "CLI"):
            return Kind.CLIENT
        return _BY_FIRST_WORD.get(words[0] if words else "", Kind.DEFINITION)

    def created_name(self, statement: Statement) -> str | None:
        """Return what ``CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name`` names."""
        tokens = list(statement.tokens)
        if not tokens or tokens[0].word != "CREATE":
            return None
        while tokens and tokens[0].word in _CREATE_MODIFIERS:
            del tokens[0]
        if not tokens or tokens[0].word not in ("STREAM", "TABLE"):
            return None
        del tokens[0]
        if [token.word for token in tokens[:3]] == ["IF", "NOT", "EXISTS"]:
            del tokens[:3]
        return tokens[0].text if tokens and _is_name(tokens[0]) else None

    def foreign_hint(self, statement: Statement) -> str | None:
        """Say what a refused statement has of Flink's SQL, and how ksqlDB has it."""
        return foreign.under_ksql(statement)

    def query_of(self, statement: Statement) -> int | None:
        """Return the offset, in its text, of the SELECT of a CREATE … AS SELECT or INSERT INTO … SELECT."""
        if statement.words[:1] not in (("CREATE",), ("INSERT",)):
            return None
        at = _first(statement.tokens, "SELECT")
        return None if at is None else statement.tokens[at].start - statement.tokens[0].start

    def emit(self, statement: Statement) -> Literal["CHANGES", "FINAL"] | None:
        """Return what a statement's query emits: CHANGES, FINAL, or None for a pull query or no query."""
        return _emit(statement.tokens)

    def with_emit_changes(self, statement: Statement) -> str:
        """Return a SELECT's text with EMIT CHANGES, before its LIMIT; one with an EMIT as it is.

        What stands before it keeps its offset.
        """
        if _emit(statement.tokens) is not None or _first(statement.tokens, "SELECT") is None:
            return statement.text
        at = _limit(statement.tokens)
        if at == len(statement.tokens):
            return f"{statement.text} EMIT CHANGES"
        place = statement.tokens[at].start - statement.tokens[0].start
        return f"{statement.text[:place]}EMIT CHANGES {statement.text[place:]}"

    def is_push(self, statement: Statement) -> bool:
        """Tell whether it is a SELECT that goes on: one with EMIT. PRINT is none."""
        return statement.words[:1] == ("SELECT",) and self.emit(statement) is not None

    def is_aggregation(self, statement: Statement) -> bool:
        """Tell whether the statement's query has a GROUP BY."""
        return statement.top_level("GROUP", "BY") is not None

    def select_items(self, statement: Statement) -> list[SelectItem]:
        """Return what a SELECT selects, in order; a ``*`` is one of them."""
        tokens = statement.tokens
        begin = _first(tokens, "SELECT")
        if begin is None:
            return []
        froms = (
            i
            for i, t in enumerate(tokens)
            if i > begin and t.word == "FROM" and t.depth == tokens[begin].depth
        )
        # "a IS DISTINCT FROM b" may stand before the FROM
        end = next((i for i in froms if tokens[i - 1].word != "DISTINCT"), None)
        inner = tokens[begin + 1 : end]
        return [_select_item(item) for item in _split(inner, tokens[begin].depth)]

    def group_by(self, statement: Statement) -> list[str]:
        """Return the expressions that a query groups by, evened out; none where it has no GROUP BY."""
        at = statement.top_level("GROUP", "BY")
        if at is None:
            return []
        tokens = statement.tokens[at:]
        ends = (i for i, token in enumerate(tokens) if token.depth == 0 and token.word in _AFTER_GROUP)
        end = next(ends, None)
        inner = list(tokens[:end])
        if inner and inner[0].text == "(" and inner[-1].text == ")" and inner[0].depth == inner[-1].depth:
            inner = [token._replace(depth=token.depth - 1) for token in inner[1:-1]]
        return [_expression(item) for item in _split(inner, 0)]

    def sink_of(self, statement: Statement) -> str | None:
        """Return what a CREATE … AS SELECT or an INSERT INTO writes."""
        if statement.words[:2] == ("INSERT", "INTO"):
            return statement.tokens[2].text if len(statement.tokens) > 2 else None  # noqa: PLR2004
        return None if self.query_of(statement) is None else self.created_name(statement)

    def with_properties(self, statement: Statement) -> dict[str, str]:
        """Return the WITH (…) of a CREATE or INSERT INTO: by upper-case key, the text of each literal."""
        tokens = statement.tokens
        at = _first(tokens, "WITH")
        if at is None or statement.words[:1] not in (("CREATE",), ("INSERT",)):
            return {}
        found: dict[str, str] = {}
        key: str | None = None
        value = ""
        for token in tokens[at + 1 :]:
            if token.text == "(" and token.depth == 0:
                value = ""
            elif token.text == "=" and key is None:
                key, value = value.upper(), ""
            elif token.text == "," or (token.text == ")" and token.depth == 0):
                if key:
                    found[key] = value
                key, value = None, ""
                if token.text == ")":
                    break
            else:
                value += bare(token.text)
        return found

    def setting(self, statement: Statement) -> tuple[str, str | None] | None:
        """Return the name and value of a SET or DEFINE, the name and None of an UNSET or UNDEFINE.

        None for what is none of these, or not complete.
        """
        verb = statement.words[0] if statement.words else ""
        if verb not in ("SET", "UNSET", "DEFINE", "UNDEFINE"):
            return None
        texts = [token.text for token in statement.tokens[1:]]
        takes_value = verb in ("SET", "DEFINE")
        at = texts.index("=") if takes_value and "=" in texts else len(texts)
        name = "".join(map(bare, texts[:at]))
        if not name or takes_value != (at + 1 < len(texts)):
            return None
        return name, "".join(map(bare, texts[at + 1 :])) if takes_value else None


def _split(tokens: Sequence[Token], depth: int) -> list[list[Token]]:
    """Cut tokens at the commas of a depth."""
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == "," and token.depth == depth:
            found.append([])
        else:
            found[-1].append(token)
    return [item for item in found if item]


def _select_item(tokens: Sequence[Token]) -> SelectItem:
    """Take the name off that an item is given: ``… AS name``, or ``… name``."""
    last = tokens[-1]
    if len(tokens) > 2 and tokens[-2].word == "AS":  # noqa: PLR2004 - an expression before it
        return SelectItem(_expression(tokens[:-2]), normal_name(last.text))
    before = tokens[-2] if len(tokens) > 1 else None
    ends = before is not None and (_is_name(before) or before.text[0] in ")]'0123456789")
    names = _is_name(last) and last.word not in _ENDS_EXPRESSION
    if ends and names and before is not None and before.word not in _JOINS_ON:
        return SelectItem(_expression(tokens[:-1]), normal_name(last.text))
    return SelectItem(_expression(tokens))


def _expression(tokens: Sequence[Token]) -> str:
    """Return an expression as one text: names as they are meant, a column without its source."""
    texts = [normal_name(token.text) if _is_name(token) else token.text for token in tokens]
    if len(texts) == 3 and texts[1] == ".":  # noqa: PLR2004 - source.column
        return texts[2]
    return " ".join(texts)


def _is_name(token: Token) -> bool:
    return bool(token.word) or token.text.startswith(("`", '"', "${"))


def _first(tokens: Sequence[Token], word: str) -> int | None:
    """Return the index of a word's first place outside all parentheses."""
    return next((i for i, token in enumerate(tokens) if token.word == word and token.depth == 0), None)


def _limit(tokens: Sequence[Token]) -> int:
    """Return the index of the LIMIT n that ends a query, or that of its end."""
    at = len(tokens) - 2
    is_limit = at > 0 and tokens[at].word == "LIMIT" and tokens[at].depth == 0
    return at if is_limit else len(tokens)


def _emit(tokens: Sequence[Token]) -> Literal["CHANGES", "FINAL"] | None:
    """Read the EMIT at the end of a query; EMIT, CHANGES and FINAL are names elsewhere."""
    end = _limit(tokens)
    if end < 2 or tokens[end - 2].word != "EMIT" or tokens[end - 2].depth:  # noqa: PLR2004 - two words
        return None
    if _first(tokens, "FROM") is None:
        return None
    match tokens[end - 1].word:
        case "CHANGES":
            return "CHANGES"
        case "FINAL":
            return "FINAL"
    return None
