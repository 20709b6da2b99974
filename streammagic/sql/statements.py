"""Split a cell into statements and say what each one is.

The tokens come from one regular expression a dialect. sqlglot drops white space and comments, so an
error's place could not be found again; sqlparse's lexer knows literals that no engine here has
(``$$…$$``), whatever rules it is given, and is several times slower.

Nothing here refuses a statement. What is not recognised is `Kind.OTHER` and goes to the engine as typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from streammagic.sql.naming import RESERVED
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streammagic.sql.dialect import Dialect


_TITLE_ENDS = frozenset({"SELECT", "VALUES", "WITH", "AS", "BEGIN"})


class Kind(Enum):
    """What a statement does, as far as the way it is run depends on it."""

    QUERY = "query"
    INSERT = "insert"
    """Starts a job that writes: INSERT, a statement set, EXECUTE PLAN, UPDATE, DELETE."""
    CREATE_AS = "create as"
    """Creates a table and starts the job that fills it."""
    DEFINITION = "definition"
    """Changes what a later statement of the same session sees: CREATE, ALTER, DROP."""
    SESSION = "session"
    """Changes how later statements run: SET, RESET, USE, LOAD MODULE, ADD JAR."""
    ANSWER = "answer"
    """Is answered with a table at once: SHOW, DESCRIBE, EXPLAIN, CALL."""
    CLIENT = "client"
    """Means something only to the engine's own command line: HELP, CLEAR, QUIT."""
    OTHER = "other"


class Token(NamedTuple):
    """A token that counts: no white space, no comment. ``word`` is upper case, or "" if it is no word."""

    start: int
    end: int
    text: str
    word: str
    depth: int
    """How many parentheses are open around it."""


_CALCITE = re.compile(
    r"""
    (?: \s++ | (?:--|//)[^\r\n]*+ | /\*(?!\+)(?:\*[^/])?+(?:[^*]++|\*(?!/))*+\*/ )*+  # what does not count
    (?:
      (?P<word> (?:[^\W\d]|\$)[\w$]*+ (?!(?<=\b[eE])') )
    | (?P<other>
        '(?:[^']++|'')*+'
      | [eE]'(?:[^'\\]++|\\.|'')*+'
      | `(?:[^`]++|``)*+`
      | "(?:[^"]++|"")*+"
      | /\*\+(?:[^*']++|'[^']*+'|\*(?!/))*+\*/  # a hint
      | \d[\w.]*+(?:(?<=[eE])[+-]\d++)?
      | ['"`].*+   # an open quote: the rest is inside it
      | /\*.*+     # likewise an open comment
      | .
      )
    | \Z
    )
    """,
    re.DOTALL | re.VERBOSE,
)
"""White space and comments, then one token.

As Calcite's lexer has them (Parser.jj, measured on Flink 2.3): ``//`` opens a comment like ``--``, comments
do not nest, ``/***/`` ends none (its first four characters begin a comment), ``$`` is a letter, a string in a
hint may hold ``*/``, and a backslash escapes in E'…' only.
"""


@dataclass(frozen=True)
class Lexer:
    """How an engine's SQL is cut into tokens.

    ``pattern`` matches what does not count and then one token, in its group "word" or "other"; at the end
    in neither. ``has_blocks`` tells whether there are statement sets, in which a semicolon ends nothing;
    ``folds_names`` whether the case of names without quotes counts for nothing.
    """

    pattern: re.Pattern[str]
    has_blocks: bool = True
    folds_names: bool = False


CALCITE = Lexer(_CALCITE)


@dataclass(frozen=True)
class Statement:
    """One statement of a cell.

    ``text`` is exact, without the ``;`` and the comments around it. ``line`` and ``column`` are the
    1-based place of its first character in the cell's body; ``start`` and ``end`` its offsets there.
    """

    text: str
    start: int
    end: int
    line: int
    column: int
    kind: Kind
    lexer: Lexer = field(default=CALCITE, repr=False, compare=False)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Its tokens, with their offsets in the cell's body; none is open before it, whatever that holds."""
        return tuple(tokenize(self.text, self.lexer, self.start))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The leading words, upper case, up to the first token that is none."""
        found: list[str] = []
        for token in tokenize(self.text, self.lexer):
            if token.text == "(" and not found:
                continue
            if not token.word:
                break
            found.append(token.word)
        return tuple(found)

    @cached_property
    def title(self) -> str:
        """The statement in a few words: what stands before its first parenthesis, query or rows."""
        stop = next((t.start for t in self.tokens if t.text == "(" or t.word in _TITLE_ENDS), self.end)
        return mask(" ".join((self.text[: stop - self.start] or self.text).split()))[:80]

    @property
    def normal(self) -> str:
        """The statement with white space and comments evened out: equal for statements that say the same."""
        return evened(self.tokens, self.lexer)

    def retold(self, text: str) -> Statement:
        """Return the same statement in other words, such as with its variables expanded."""
        return replace(self, text=text, end=self.start + len(text))

    def top_level(self, *words: str) -> int | None:
        """Return the index of the token after the last run of ``words`` outside all parentheses."""
        outside = [token.word if token.depth == 0 else "" for token in self.tokens]
        for i in range(len(outside) - len(words), -1, -1):
            if outside[i] == words[0] and tuple(outside[i : i + len(words)]) == words:
                return i + len(words)
        return None

    @property
    def limit(self) -> int | None:
        """The number of a top-level ``LIMIT n`` of a query."""
        at = self.top_level("LIMIT") if self.kind is Kind.QUERY else None
        if at is None or at >= len(self.tokens) or not self.tokens[at].text.isdecimal():
            return None
        return int(self.tokens[at].text)

    @property
    def order(self) -> tuple[str, ...] | None:
        """The top-level ORDER BY: its terms as text, white space evened out; None without one."""
        at = self.top_level("ORDER", "BY") if self.kind is Kind.QUERY else None
        if at is None:
            return None
        terms: list[list[str]] = [[]]
        for token in self.tokens[at:]:
            if token.depth == 0 and token.word in ("LIMIT", "OFFSET", "FETCH"):
                break
            if token.depth == 0 and token.text == ",":
                terms.append([])
            else:
                terms[-1].append(token.text)
        return tuple(" ".join(term) for term in terms)

    @property
    def writes_values(self) -> bool:
        """Whether it is an INSERT of literal rows, which ends by itself."""
        return (
            self.kind is Kind.INSERT
            and self.words[:1] == ("INSERT",)
            and self.top_level("VALUES") is not None
        )


def tokenize(source: str, lexer: Lexer = CALCITE, offset: int = 0) -> Iterator[Token]:
    """Yield the tokens that count, ``offset`` added to their places.

    Flink's hints count: they change what a statement does.
    """
    depth = 0
    for match in lexer.pattern.finditer(source):
        group = match.lastgroup
        if group is None:
            return
        start, end = match.span(group)
        text = source[start:end]
        if group == "word":
            yield Token(start + offset, end + offset, text, text.upper(), depth)
            continue
        if text == ")" and depth:
            depth -= 1
        yield Token(start + offset, end + offset, text, "", depth)
        if text == "(":
            depth += 1


def evened(tokens: Iterable[Token], lexer: Lexer = CALCITE) -> str:
    """Return tokens as one text. The case of keywords does not count; that of names does in Flink."""
    if lexer.folds_names:
        return " ".join(token.word or token.text for token in tokens)
    return " ".join(token.word if token.word in RESERVED else token.text for token in tokens)


def split(source: str, dialect: Dialect) -> list[Statement]:
    """Split a cell's body into its statements, in order; empty ones are left out.

    ``source[s.start:s.end] == s.text`` for each, and what lies between them is white space, comments and
    one ``;``.
    """
    statements = []
    line = counted = 0
    for start, end in _bounds(source, dialect.lexer):
        line += source.count("\n", counted, start)
        counted = start
        column = start - source.rfind("\n", 0, start)
        text = source[start:end]
        draft = Statement(text, start, end, line + 1, column, Kind.OTHER, dialect.lexer)
        statements.append(replace(draft, kind=dialect.classify(draft)))
    return statements


def _bounds(source: str, lexer: Lexer) -> Iterator[tuple[int, int]]:
    """Yield where each statement that has any tokens begins and ends.

    It keeps no token: most statements of a long script are never asked for theirs.
    """
    begin: int | None = None
    end = 0
    before = ""
    blocks = _Blocks()
    for match in lexer.pattern.finditer(source):
        group = match.lastgroup
        if group is None:
            break
        text = match[group]
        if text == ";" and not blocks.open:
            if begin is not None:
                yield begin, end
            begin, before, blocks = None, "", _Blocks()
            continue
        if lexer.has_blocks:
            word = text.upper() if group == "word" else ""
            if word in _BLOCK_WORDS:
                blocks.see(word, before)
            before = word
        if begin is None:
            begin = match.start(group)
        end = match.end()
    if begin is not None:
        yield begin, end


_BLOCK_WORDS = frozenset({"STATEMENT", "SET", "BEGIN", "CASE", "END"})


class _Blocks:
    """Follows ``… STATEMENT SET BEGIN … END``, in which a semicolon ends no statement of the cell.

    ``BEGIN STATEMENT SET;`` opens none: its parts are sent one by one.
    """

    def __init__(self) -> None:
        self.open = False
        self._cases = 0
        self._set_seen = False

    def see(self, word: str, before: str) -> None:
        if self.open:
            if word == "CASE":
                self._cases += 1
            elif word == "END":
                self.open = self._cases > 0
                self._cases = max(self._cases - 1, 0)
        elif word == "SET" and before == "STATEMENT":
            self._set_seen = True
        elif word == "BEGIN" and self._set_seen and before == "SET":
            self.open = True
