"""What may stand at a place in SQL, by what is known already: nothing here asks anybody.

A completion replaces the part of a word, quoted name or string that stands before the cursor; in comments,
and in strings that are no options, there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from streammagic.sql.caret import At
from streammagic.sql.catalog import Catalog
from streammagic.sql.scope import Scope, bare, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from streammagic.sql.caret import Place
    from streammagic.sql.dialect import Option
    from streammagic.sql.keywords import Vocabulary
    from streammagic.sql.statements import Token

_PATH = re.compile(r"[\w$`]+(?:\.[\w$`]+)*")
_VARIABLE_WORDS = ("kafka", "secret", "jar")
_FILTERS = ("ident", "raw")

_BEFORE_TABLE = frozenset({"FROM", "JOIN", "INTO", "OVERWRITE", "DESCRIBE", "DESC", "UPDATE"})
_AFTER_VERB = frozenset({"TABLE", "VIEW", "STREAM", "EXISTS", "EXTENDED"})
_NAMED_BY = frozenset({"DROP", "ALTER", "DESCRIBE", "DESC", "SHOW", "TRUNCATE", "ANALYZE", "INSERT", "LIST"})
_TAKES_FROM = frozenset({"EXTRACT", "TRIM", "SUBSTRING", "OVERLAY"})
_SPEAKS_OF_COLUMNS = frozenset({"SELECT", "WHERE", "SET", "UPDATE", "DELETE", "INSERT", "VALUES", "AS"})
_AWAIT_OPERAND = frozenset(
    {"SELECT", "DISTINCT", "WHERE", "HAVING", "ON", "BY", "AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "SET"}
)
_OPERATORS = frozenset(",=<>+-/%|")
_OPENS_CLAUSES = frozenset(
    {"OVER", "AS", "MATCH_RECOGNIZE", "WITHIN", "WINDOW", "HOPPING", "TUMBLING", "SESSION"}
)
_OPERANDS = frozenset(
    """
ALL ARRAY CASE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE DISTINCT EXISTS FALSE INTERVAL MAP NOT NULL
ROW SELECT STRUCT TIME TIMESTAMP TRUE
    """.split()  # noqa: SIM905 - a list of words is read as one
)
"""The keywords that an operand may begin with."""

_TABLE_FUNCTIONS = ("TUMBLE", "HOP", "CUMULATE", "SESSION")
_TABLE_WORDS = ("TABLE", "LATERAL", "UNNEST")
_OPTION_GROUPS = frozenset({"WITH", "OPTIONS", "SET", "RESET"})
_TOPIC_KEYS = frozenset({"topic", "kafka_topic"})


class Candidate(NamedTuple):
    """What may take the fragment's place, and what it is in one word, for people."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What can be offered.

    ``identifier`` writes a name, in quotes where it needs them; ``folds_names`` tells that the case of names
    without quotes counts for nothing. ``options`` gives a connector's options by its name; ``quoted_keys``
    tells that their keys are strings. ``settings`` are those of SET. ``topics`` are Kafka's, ``variables``
    Python's, ``engine`` what the engine itself proposes for the place.
    """

    vocabulary: Vocabulary
    identifier: Callable[[str], str]
    catalog: Catalog = field(default_factory=Catalog)
    variables: Sequence[str] = ()
    topics: Sequence[str] = ()
    options: Mapping[str, Sequence[Option]] = field(default_factory=dict)
    settings: Sequence[Option] = ()
    engine: Sequence[str] = ()
    quoted_keys: bool = True
    folds_names: bool = False


def complete(place: Place, known: Known) -> list[Candidate]:
    """Return what may stand at a place, the likeliest first, each text once."""
    match place.at:
        case At.NOTHING:
            found: Iterable[Candidate] = ()
        case At.VARIABLE:
            names = (*(Candidate(name, "variable") for name in known.variables),
                     *(Candidate(name, "value") for name in _VARIABLE_WORDS))  # fmt: skip
            found = (each for each in names if each.text.startswith(place.fragment))
        case At.FILTER:
            found = (Candidate(name, "filter") for name in _FILTERS if name.startswith(place.fragment))
        case _:
            found = _Writer(place, known).candidates()
    first: dict[str, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.text, candidate)
    return list(first.values())


class _Writer:
    """Finds what fits at a place, and writes it as it is written there."""

    def __init__(self, place: Place, known: Known) -> None:
        self._place = place
        self._known = known
        self._before, self._path = _without_path(place.before)
        self._quote = place.quote
        self._begun = place.fragment.casefold()
        typed = place.fragment or next((t.text for t in reversed(self._before) if t.word), "")
        self._lower = typed.islower()

    def candidates(self) -> Iterator[Candidate]:
        options = self._options()
        if options is not None:
            yield from options
        elif self._place.at is At.STRING:
            yield from self._in_string()
        elif self._path:
            scope = self._scope()
            yield from self._names((c.name for c in scope.of(self._path[-1])), "column")
            yield from self._of_engine(only_paths=True)
        elif not self._before:
            yield from self._words(self._known.vocabulary.starts, "keyword")
            yield from self._of_engine()
        elif self._is_table_place():
            yield from self._tables()
        else:
            yield from self._expression()

    def _in_string(self) -> Iterator[Candidate]:
        """Yield what a string may hold that is no option: a topic's name, a setting's or its value."""
        texts = [token.text for token in self._before]
        match self._word(0), texts[1:]:
            case "PRINT", []:
                yield from self._strings(self._known.topics, "topic")
            case "SET" | "UNSET" | "RESET", []:
                yield from self._strings((each.key for each in self._known.settings), "option")
            case "SET", [key, "="]:
                values = (each.values for each in self._known.settings if each.key == _unquoted(key))
                yield from self._strings(chain.from_iterable(values), "value")

    def _scope(self) -> Scope:
        return Scope((*self._before, *self._place.after), self._known.catalog.tables)

    def _word(self, place: int) -> str:
        """Return a word before the cursor, "" where none is."""
        return self._before[place].word if -len(self._before) <= place < len(self._before) else ""

    def _is_table_place(self) -> bool:
        """Tell whether a table's name belongs here."""
        before = self._before
        previous, first = before[-1], self._word(0)
        if previous.word == "FROM":
            opener = _opener(before)
            return opener is None or opener == 0 or before[opener - 1].word not in _TAKES_FROM
        if previous.word in _BEFORE_TABLE:
            return previous.word != "UPDATE" or len(before) == 1
        if previous.word in _AFTER_VERB:
            return (
                first in _NAMED_BY or (previous.word == "TABLE" and first != "CREATE") or previous.depth > 0
            )
        return previous.text == "," and self._clause(previous.depth) == "FROM"

    def _clause(self, depth: int) -> str:
        """Return the word that began the clause at the cursor, in its parentheses."""
        for token in reversed(self._before):
            if token.depth < depth:
                return ""
            if token.depth == depth and token.word in (
                *_BEFORE_TABLE,
                "SELECT",
                "WHERE",
                "BY",
                "ON",
                "VALUES",
            ):
                return token.word
        return ""

    def _tables(self) -> Iterator[Candidate]:
        queries = [source.name for source in self._scope().sources if source.is_query]
        yield from self._names(queries, "query")
        yield from self._names(self._known.catalog.tables, "table")
        if self._before[-1].word in ("FROM", "JOIN") or self._before[-1].text == ",":
            yield from self._words(_TABLE_WORDS, "keyword")
        yield from self._of_engine(only_paths=True)

    def _expression(self) -> Iterator[Candidate]:
        before, words = self._before, self._known.vocabulary
        opens = before[-1].text == "("
        if opens and self._word(-2) == "TABLE":
            yield from self._words(_TABLE_FUNCTIONS, "function")
            return
        scope = self._scope()
        if opens and self._word(-2) == "DESCRIPTOR":
            columns = sorted(scope.columns(), key=lambda column: not column.is_time)
            yield from self._names((column.name for column in columns), "column")
            return
        if self._word(0) == "CREATE" and self._word(-1) == "FOR":  # a watermark's
            yield from self._names((column.name for column in scope.columns()), "column")
            return
        about_columns = any(t.word in _SPEAKS_OF_COLUMNS for t in before) or self._word(-1) in ("FOR", "BY")
        if about_columns or (self._word(0) == "CREATE" and (opens or before[-1].text == ",")):
            yield from self._names((column.name for column in scope.columns()), "column")
        if about_columns:
            yield from self._names((s.name for s in scope.sources if s.name), "table")
            yield from self._functions()
        if self._word(0) == "CREATE" and before[-1].depth > 0:
            yield from self._words(words.types, "type")
        if about_columns and self._awaits_operand():
            yield from self._words(sorted(_OPERANDS & {*words.keywords, *words.types}), "keyword")
            return
        theirs = list(self._of_engine())
        yield from (candidate for candidate in theirs if candidate.kind == "keyword")
        yield from self._words(words.keywords, "keyword")
        yield from self._words(words.types, "type")
        yield from theirs

    def _awaits_operand(self) -> bool:
        """Tell whether only an operand can follow: a name, a function, a literal."""
        last = self._before[-1]
        if last.text == "(":
            return self._word(-2) not in _OPENS_CLAUSES
        return last.word in _AWAIT_OPERAND or last.text in _OPERATORS

    def _functions(self) -> Iterator[Candidate]:
        words, listed = self._known.vocabulary, self._known.catalog.functions
        yield from self._words(words.functions, "function")
        built_in = {name.upper() for name in words.functions} | words.hidden
        own = [name for name in listed if name.upper() not in built_in]
        if self._known.folds_names:
            yield from self._words(own, "function")
        else:
            yield from (Candidate(name, "function") for name in own if self._fits(name) and not self._quote)

    def _of_engine(self, *, only_paths: bool = False) -> Iterator[Candidate]:
        """Yield what the engine proposes: words, and names with a path where that says more."""
        typed = ".".join(self._path)
        tables = {name.casefold() for name in self._known.catalog.tables}
        for text in () if self._quote else self._known.engine:
            if not _PATH.fullmatch(text):
                continue
            if "." in text:
                rest = text[len(typed) :].lstrip(".") if text.casefold().startswith(typed.casefold()) else ""
                known = not typed and bare(text.rpartition(".")[2]).casefold() in tables
                if rest and not known and self._fits(rest):
                    yield Candidate(rest, "table")
            elif not only_paths and text.upper() in self._known.vocabulary.keywords:
                yield from self._words((text,), "keyword")
            elif not only_paths and not text.isupper() and self._fits(text):
                yield Candidate(text, "name")

    def _options(self) -> Iterator[Candidate] | None:
        """Return the keys or values of WITH (…), None where that is not what is written here."""
        opener = _opener(self._before)
        if opener is None or opener == 0 or self._before[opener - 1].word not in _OPTION_GROUPS:
            return None
        if self._before[opener - 1].word == "WITH" and opener == 1:
            return None
        if self._path or self._quote == "`":
            return None
        item = _last_item(self._before[opener + 1 :])
        if len(item) >= 2 and item[1].text == "=":  # noqa: PLR2004 - key = value
            return self._option_values(_unquoted(item[0].text)) if len(item) == 2 else iter(())  # noqa: PLR2004
        return self._option_keys(opener) if not item else iter(())

    def _option_keys(self, opener: int) -> Iterator[Candidate]:
        given = self._given(opener)
        chosen = given.get("connector", "")
        known = self._known.options
        groups = [known[chosen]] if chosen in known else known.values()
        written = (self._spelt(option.key) for option in chain.from_iterable(groups))
        keys = dict.fromkeys(chain.from_iterable(written))
        keys = {"connector": None} | keys if self._known.quoted_keys and known else keys
        yield from self._strings(
            [key for key in keys if key.casefold() not in given],
            "option",
            bare_words=not self._known.quoted_keys,
        )

    def _spelt(self, key: str) -> Iterable[str]:
        """Return a key as it is typed: ``#`` stands for each column of the CREATE; ``.*`` for anything."""
        if "#" not in key:
            return () if key.endswith(".*") else (key,)
        return (key.replace("#", column.name) for column in Scope(self._before, {}).columns())

    def _option_values(self, key: str) -> Iterator[Candidate]:
        given = self._given(_opener(self._before) or 0)
        known = self._known.options
        if key.casefold() in _TOPIC_KEYS:
            yield from self._strings(self._known.topics, "topic")
            return
        if key.casefold() == "connector":
            yield from self._strings(known, "connector")
            return
        chosen = given.get("connector", "")
        groups = [known[chosen]] if chosen in known else known.values()
        values = (o.values for o in chain.from_iterable(groups) if _is_key(o.key, key))
        yield from self._strings(dict.fromkeys(chain.from_iterable(values)), "value")

    def _given(self, opener: int) -> dict[str, str]:
        """Return the options that are set already, before and after the cursor: keys folded, values bare."""
        tokens = (*self._before[opener + 1 :], *self._place.after)
        found = {}
        for i in range(len(tokens) - 1):
            if tokens[i].depth <= self._before[opener].depth:
                break
            if tokens[i + 1].text == "=":
                value = tokens[i + 2].text if i + 2 < len(tokens) else ""
                found[_unquoted(tokens[i].text).casefold()] = _unquoted(value)
        return found

    def _fits(self, name: str) -> bool:
        return name.casefold().startswith(self._begun)

    def _words(self, words: Iterable[str], kind: str) -> Iterator[Candidate]:
        """Write words of the language, in the case that is typed."""
        if not self._quote:
            for word in words:
                if self._fits(word):
                    yield Candidate(word.lower() if self._lower else word.upper(), kind)

    def _names(self, names: Iterable[str], kind: str) -> Iterator[Candidate]:
        """Write names: in quotes where they need them, or where a quote was typed."""
        identifier = self._known.identifier
        for name in filter(self._fits, names):
            if self._quote:
                written = name.replace(self._quote, self._quote * 2)
                yield Candidate(written + ("" if self._place.closed else self._quote), kind)
                continue
            text = identifier(name)
            folds = self._known.folds_names and text == name and self._place.fragment.islower()
            yield Candidate(text.lower() if folds else text, kind)

    def _strings(self, texts: Iterable[str], kind: str, *, bare_words: bool = False) -> Iterator[Candidate]:
        """Write string literals, or words where those are written in their place."""
        if bare_words:
            yield from self._words(texts, kind)
            return
        if self._quote != "'" and (self._quote or self._begun):
            return
        for text in filter(self._fits, texts):
            escaped = text.replace("'", "''")
            yield Candidate(
                ("" if self._quote else "'") + escaped + ("" if self._place.closed else "'"), kind
            )


def _is_key(pattern: str, key: str) -> bool:
    """Tell whether a key is the one of an option, in which ``#`` stands for a column's name."""
    before, hash_sign, after = pattern.casefold().partition("#")
    folded = key.casefold()
    return folded.startswith(before) and folded.endswith(after) if hash_sign else folded == before


def _without_path(tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], tuple[str, ...]]:
    """Cut off ``catalog.database.`` before the cursor, and return its parts."""
    parts: list[str] = []
    while len(tokens) > 1 and tokens[-1].text == "." and is_name(tokens[-2]):
        parts.insert(0, bare(tokens[-2].text))
        tokens = tokens[:-2]
        if not (tokens and tokens[-1].text == "."):
            break
    return tokens, tuple(parts)


def _opener(tokens: Sequence[Token]) -> int | None:
    """Return the index of the parenthesis that is open at the end."""
    depth = 0
    for i in range(len(tokens) - 1, -1, -1):
        if tokens[i].text == ")":
            depth += 1
        elif tokens[i].text == "(":
            if not depth:
                return i
            depth -= 1
    return None


def _last_item(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return what stands after the last comma."""
    commas = [i for i, token in enumerate(tokens) if token.text == ","]
    return tokens[commas[-1] + 1 :] if commas else tokens


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else text
