"""What a message of ksqlDB says: the sentence, the place and the advice for a person.

Causes follow in a message as lines ``Caused by: …``, wrapped at 80 columns with a tab (ErrorMessageUtil). A
place in the SQL stands in the message only: ``line L:C`` or ``Line: L, Col: C``, both counted from 1, C in
characters (ANTLR's CodePointCharStream); all of 7.4's recorded ones point at the token meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streammagic.engines.ksqldb import misses
from streammagic.engines.ksqldb.known import BY_CODE, KNOWN
from streammagic.sql.keywords import KSQL
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.naming_ksqldb import RESERVED, identifier
from streammagic.sql.near import did_you_mean, near
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from streammagic.engines.ksqldb.known import Known
    from streammagic.sql.statements import Statement

_SENTENCE, _TOKEN, _GROUP = 300, 40, 200
"""Longest sentence, longest piece of SQL in one, and longest piece of the server's words, in characters."""

_STACK_LINE = re.compile(r"\s+(?:at [\w.$/<>]+\(.*\).*|\.\.\. \d+ (?:more|common frames omitted))\s*$")
_LONE_EXCEPTION = re.compile(r"(?m)(?:[a-z]\w*\.){2,}([A-Z][\w$]*(?:Exception|Error|Throwable))\s*$")
_EXCEPTION = re.compile(r"(?:[a-z]\w*\.){2,}[A-Z][\w$]*(?:Exception|Error|Throwable|Failure): ")
_PACKAGE = re.compile(r"\b(?:io|org|com|java|javax)\.(?:[a-z]\w*\.)+(?=[A-Z])")
_INSTANCE = re.compile(r"(?<=\w)@[0-9a-f]{6,8}\b")
_LINK = re.compile(r"\s*\(?(?:[Ss]ee|please visit:?) https?://\S+?(?: for more(?: info)?)?[.)]*(?=\s|$)")
_PREFIX = re.compile(
    r"(?:Could not determine output schema for query due to error|Exception while preparing statement"
    r"|Failed to prepare statement|Error starting pull query|Error parsing query|Unable to execute pull query"
    r"|Error executing query locally at node \S+?|Exception caught in process[^:\n]*"
    r"|Line: \d+, Col: \d+|line \d+:\d+): "
)
CAUSED_BY = re.compile(r"(?m)^Caused by: ")
_ECHO = re.compile(r"(?m)^(?:Statement|Add EMIT CHANGES if|Hint): ?")
_PLACE = re.compile(r"\bline (\d+):(\d+)|\bLine: (\d+), Col: (\d+)")
_HOLDERS = re.compile(r"(?:read from|write into) this source: \[([^\]]*)\]")
_SYNTAX = re.compile(r"(?i)\bsyntax error\b")
_UNKNOWN_STATEMENT = re.compile(r"(?s)Unknown statement '(.*?)'(?:\n|$)")
_DID_YOU_MEAN = re.compile(r"Did you mean ['\"`]?(\w+)['\"`]?\?")
_EXPECTING = re.compile(r"(?i)\bexpecting (\{.*?\}(?=\s|$)|\S+)")
_SQL_TOKEN = re.compile(r"(?s)\w+|`[^`]*`?|'[^']*'?|\S")
_PUNCTUATION = {",": "a comma", ";": "the end", "<EOF>": "the end"}
_QUOTES = ("'", "`")
_WORDS = RESERVED.union(KSQL.all)
_SYNTAX_PAGE = "https://docs.ksqldb.io/en/latest/developer-guide/ksqldb-reference/quick-reference/"


class Told(NamedTuple):
    """A message in plain words; ``name`` and ``at`` are what to look for where it tells no place."""

    message: str
    hint: str = ""
    link: str | None = None
    name: str = ""
    at: str = ""


class _Found(NamedTuple):
    known: Known
    groups: dict[str, str]


def tell(code: int, text: str, statement: Statement | None) -> Told:
    """Say what happened and what to do, of a message that is `flat`."""
    found = _recognised(text)
    if found is not None:
        known, groups = found
        facts = _facts(found, text, statement) | groups
        message = " ".join(known.message.format(**facts).split())
        return Told(
            message,
            known.hint.format(**facts).strip(),
            known.link,
            groups.get("name") or groups.get("other", ""),
            known.at.format(**facts),
        )
    if _SYNTAX.search(text):
        return Told(*_syntax(text, statement), link=_SYNTAX_PAGE)
    return Told(*BY_CODE[code]) if code in BY_CODE else Told(telling(text))


def unknown(text: str) -> misses.Unknown | None:
    """Return what does not exist, where that is what a `flat` message says."""
    found = _recognised(text)
    if found is None or not found.known.about:
        return None
    groups = found.groups
    return misses.Unknown(
        found.known.about, groups.get("name") or groups.get("other", ""), groups.get("into", "")
    )


def dependants(text: str) -> list[str]:
    """Return the queries and sources that keep a source from being dropped, from the server's refusal."""
    names = (name.strip() for found in _HOLDERS.findall(text) for name in found.split(","))
    return list(dict.fromkeys(filter(None, names)))


def telling(message: str) -> str:
    """Return the one sentence of a message or Java stack that says most: of its innermost cause."""
    parts = [_ECHO.split(part)[0].strip() for part in CAUSED_BY.split(flat(message))]
    told = [part for part in parts if " " in part] or [part for part in parts if part] or ["unknown failure"]
    sentence = _LINK.sub("", told[-1].split("\n")[0])
    while (found := _PREFIX.search(sentence)) and found.end() < len(sentence):
        sentence = sentence[: found.start()] + sentence[found.end() :]
    sentence = short(mask(sentence.strip()), _SENTENCE)
    return sentence if sentence[-1] in ".!?…" else f"{sentence}."


def place(text: str, told: Told, statement: Statement | None) -> tuple[int | None, int | None]:
    """Return line and column of a failure in its statement: as told, or of the name or words it is about."""
    found = _PLACE.search(text)
    if found is not None:
        line, column = (int(part) for part in found.groups() if part is not None)
        if line and (statement is None or line <= statement.text.count("\n") + 1):
            return line, max(column, 1)
    if statement is None:
        return None, None
    at = _offset_of_name(told.name, statement) if told.name else None
    if at is None and told.at:
        at = _offset_of_words(told.at, statement)
    if at is None:
        return None, None
    before = statement.text[:at]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def is_stack(message: str) -> bool:
    """Tell whether a message is a Java stack."""
    return any(map(_STACK_LINE.match, message.splitlines()))


def flat(message: str) -> str:
    """Return a message with its wrapped lines joined, without stack lines and names of Java's packages."""
    lines: list[str] = []
    for line in message.splitlines():
        if _STACK_LINE.match(line):
            continue
        if line.startswith("\t") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip())
    text = _LONE_EXCEPTION.sub(r"\1", "\n".join(lines))
    return _INSTANCE.sub("", _PACKAGE.sub("", _EXCEPTION.sub("", text)))


def short(text: str, length: int) -> str:
    """Cut a text that is longer than allowed."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _recognised(text: str) -> _Found | None:
    for known in KNOWN:
        found = known.pattern.search(text)
        if found is not None:
            groups = found.groupdict()
            return _Found(
                known, {name: short(" ".join((groups[name] or "").split()), _GROUP) for name in groups}
            )
    return None


def _facts(found: _Found, text: str, statement: Statement | None) -> dict[str, str]:
    """Return what hints may speak of besides the groups of their patterns."""
    return {
        "push": "SELECT … EMIT CHANGES" if statement is None else KsqlDialect().with_emit_changes(statement),
        "near": _near(found, text),
        "holders": ", ".join(dependants(text)),
        "target": _target(statement),
    }


def _near(found: _Found, text: str) -> str:
    """Return what may have been meant, as far as no server need be asked."""
    about, name = found.known.about, found.groups.get("name", "")
    if about != "source":
        return misses.of_ksqldb(about, name)
    meant = _DID_YOU_MEAN.search(text)
    if meant is None:
        return "LIST STREAMS and LIST TABLES show what there is; names without back-ticks are upper case."
    return f"Did you mean {identifier(meant[1])}? {misses.CASE}"


def _target(statement: Statement | None) -> str:
    """Return the name in DROP STREAM|TABLE [IF EXISTS] name; "This" where there is none."""
    tokens = [] if statement is None else list(statement.tokens[2:])
    if [token.word for token in tokens[:2]] == ["IF", "EXISTS"]:
        del tokens[:2]
    return tokens[0].text if tokens else "This"


def _syntax(text: str, statement: Statement | None) -> tuple[str, str]:
    """Return what is wrong with the syntax and what the parser expected."""
    beginning = _UNKNOWN_STATEMENT.search(text)
    if beginning is not None and beginning[1] == ";":
        return "There is no statement before the semicolon.", ""
    if beginning is not None:  # what the server thinks was meant is often like nothing
        message = f"There is no statement that begins with {short(beginning[1], _TOKEN)}."
        return message, did_you_mean(beginning[1].upper(), KSQL.starts)
    if "missing ';' at" in text:
        return "The semicolon at the end is missing.", ""
    token = _token(text, statement)
    if token[:1] in _QUOTES and (len(token) == 1 or token[-1] != token[0]):
        return "The quote that opens here is not closed.", ""
    found = _EXPECTING.search(text)
    expected = [] if found is None else _alternatives(found[1])
    hints = [_advice(token, expected)]
    if expected:
        hints.append(f"Expected here: {' or '.join(_PUNCTUATION.get(one, one) for one in expected)}.")
    message = f"Syntax error at {short(token, _TOKEN)}." if token else "Syntax error."
    return message, " ".join(filter(None, hints))


def _advice(token: str, expected: list[str]) -> str:
    """Say what a word may have been meant for, or how it becomes a name."""
    if not token.isidentifier():
        return ""
    if token.upper() in RESERVED:
        return "" if expected else f"It is a reserved word: as a name it needs back-ticks, `{token}`."
    if not token.isascii():
        return "Names without back-ticks hold A to Z, digits, _ and @ only."
    if token.upper() in _WORDS:
        return ""
    words = [word for word in expected if word in _WORDS]
    found = near(token, words) or near(token, sorted(_WORDS))
    return f"Did you mean {found[0]}?" if found else ""


def _alternatives(text: str) -> list[str]:
    """Return the names in ANTLR's set ``{',', 'FROM'}``."""
    return [name.strip("'") for name in text.strip("{}").split(", ")]


def _token(text: str, statement: Statement | None) -> str:
    """Return the piece of SQL at which the parser stopped."""
    line, column = place(text, Told(""), statement)
    if statement is not None and line is not None and column is not None:
        rest = statement.text.split("\n")[line - 1][column - 1 :]
        found = _SQL_TOKEN.match(rest.lstrip())
        return found[0] if found else "the end"
    at = re.search(r"at or near [\"'](.+?)[\"'] at line", text)
    return at[1] if at else ""


def _offset_of_name(name: str, statement: Statement) -> int | None:
    """Return where a name stands inside of its quotes: as a whole, else its last part, else its first."""
    for wanted in (name, name.rpartition(".")[2], name.rpartition(".")[0]):
        bare = wanted.strip("`'\"").casefold()
        for token in statement.tokens:
            if bare and token.text.strip("`'\"").casefold() == bare:
                return token.start - statement.start + token.text.startswith(("`", "'", '"'))
    return None


def _offset_of_words(words: str, statement: Statement) -> int | None:
    """Return where words stand one after another, the last time they do."""
    wanted = [word.casefold() for word in words.split()]
    texts = [token.text.strip("`").casefold() for token in statement.tokens]
    for at in range(len(texts) - len(wanted), -1, -1):
        if texts[at : at + len(wanted)] == wanted:
            return statement.tokens[at].start - statement.start
    return None
