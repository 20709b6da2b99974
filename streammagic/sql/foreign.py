"""Hints for SQL that was typed under another engine's magic.

They are asked for when an engine has refused a statement, and never otherwise: so a rule may take for
foreign what is only unusual. Each says in two sentences what the statement has, which magic runs that, and
how it is said here. Rules look at tokens, so what stands inside of strings and comments has no say.

Source: the "SQL" pages of ksqlDB's and Flink's documentation (0.29 and 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from streammagic.sql.statements import tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streammagic.sql.statements import Statement, Token

_SHOWN = 60  # characters of a statement in a hint


def under_flink(statement: Statement) -> str | None:
    """Say what of ksqlDB's SQL a statement refused by Flink holds."""
    hint = _first_hint(_KSQLDB, statement, "ksqlDB's, and %%ksql runs it")
    at = _EMIT.find(statement.tokens)
    if hint is None or at is None or hint.startswith("EMIT"):
        return hint
    return f"{hint.removesuffix('.')}, and EMIT {statement.tokens[at + 1].word} is left out."


def under_ksql(statement: Statement) -> str | None:
    """Say what of Flink's SQL a statement refused by ksqlDB holds."""
    return _first_hint(_FLINK, statement, "Flink's, and %%flink runs it") or _flink_hint(statement)


@dataclass(frozen=True)
class _Pattern:
    """A run of tokens: each one's alternatives, words in upper case, strings with their quotes in lower case.

    ``first`` tells that it begins the statement, ``outside`` that it stands outside all parentheses.
    """

    parts: tuple[frozenset[str], ...]
    first: bool = False
    outside: bool = False

    @classmethod
    def of(cls, text: str) -> _Pattern:
        """Read such as "^ CREATE TABLE|VIEW": ^ for the beginning, ~ for outside, | between alternatives."""
        signs = [part for part in text.split() if part in ("^", "~")]
        parts = text.split()[len(signs) :]
        return cls(tuple(frozenset(part.split("|")) for part in parts), "^" in signs, "~" in signs)

    def find(self, tokens: Sequence[Token]) -> int | None:
        """Return the index of the first place where it stands."""
        places = len(tokens) - len(self.parts) + 1
        for at in range(min(places, 1) if self.first else places):
            if self.outside and tokens[at].depth:
                continue
            run = tokens[at : at + len(self.parts)]
            if all(_said(token) in part for token, part in zip(run, self.parts, strict=True)):
                return at
        return None


def _said(token: Token) -> str:
    return token.word or token.text.lower()


@dataclass(frozen=True)
class _Found:
    """A statement, and the index of the token where a pattern was found in it."""

    statement: Statement
    at: int

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens of the statement."""
        return self.statement.tokens

    @property
    def rest(self) -> tuple[Token, ...]:
        """The tokens from the place on."""
        return self.tokens[self.at :]

    def typed(self, tokens: Sequence[Token]) -> str:
        """Return the text of some tokens that stand in a row, on one line, cut if it is long."""
        if not tokens:
            return ""
        base = self.tokens[0].start
        return _short(" ".join(self.statement.text[tokens[0].start - base : tokens[-1].end - base].split()))

    def inside(self) -> tuple[Token, ...]:
        """Return the tokens in the first parentheses from the place on."""
        opening = next((i for i, token in enumerate(self.rest) if token.text == "("), len(self.rest) - 1)
        depth = self.rest[opening].depth
        after = self.rest[opening + 1 :]
        end = next((i for i, token in enumerate(after) if token.depth <= depth), len(after))
        return after[:end]

    def has(self, *texts: str) -> bool:
        """Tell whether the statement has all these words."""
        return set(texts) <= {token.word for token in self.tokens}

    def name_after(self, word: str, default: str) -> str:
        """Return the name, as typed, that follows the first such word, IF [NOT] EXISTS left out."""
        at = next((i for i, token in enumerate(self.tokens) if token.word == word), len(self.tokens))
        after = [token for token in self.tokens[at + 1 : at + 5] if token.word not in ("IF", "NOT", "EXISTS")]
        is_name = bool(after) and (bool(after[0].word) or after[0].text[:1] in ("`", '"'))
        return _short(after[0].text) if is_name else default

    def option(self, *keys: str) -> str | None:
        """Return the literal that one of these keys is given, without quotes; None where none is."""
        for key, sign, value in zip(self.tokens, self.tokens[1:], self.tokens[2:], strict=False):
            if sign.text == "=" and key.text.strip("'`\"").upper() in keys:
                return _short(value.text.strip("'`\""))
        return None


@dataclass(frozen=True)
class _Rule:
    """What is foreign, and how it is said here: a sentence, what makes one, or None if it isn't meant.

    ``what`` names it; where it is "", the words of the pattern as they were found do.
    """

    pattern: _Pattern
    here: str | Callable[[_Found], str | None]
    what: str

    def hint(self, statement: Statement, whose: str) -> str | None:
        """Return what there is to say about a statement; None where the rule has nothing to do with it."""
        at = self.pattern.find(statement.tokens)
        if at is None:
            return None
        here = self.here if isinstance(self.here, str) else self.here(_Found(statement, at))
        run = statement.tokens[at : at + len(self.pattern.parts)]
        what = self.what or " ".join(token.word or token.text for token in run if token.text != "(")
        return None if here is None else f"{what} is {whose}. {here}"


def _rule(pattern: str, here: str | Callable[[_Found], str | None], what: str = "") -> _Rule:
    return _Rule(_Pattern.of(pattern), here, what)


def _first_hint(rules: Sequence[_Rule], statement: Statement, whose: str) -> str | None:
    return next((hint for rule in rules if (hint := rule.hint(statement, whose))), None)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _functions(names: dict[str, str]) -> _Rule:
    """Make a rule of functions that are called otherwise here; {} is where the arguments go."""

    def here(found: _Found) -> str:
        return f"Here it is {names[found.rest[0].word].format(found.typed(found.inside()) or '…')}."

    return _Rule(_Pattern((frozenset(names), frozenset("("))), here, "")


# --- ksqlDB's SQL, refused by Flink -------------------------------------------------------------------

_EMIT = _Pattern.of("~ EMIT CHANGES|FINAL")
_UNITS = ("MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY")
_FLINK_FORMATS = {
    "DELIMITED": "csv",
    "AVRO": "avro-confluent",
    "KAFKA": "raw",
    "PROTOBUF": "protobuf",
}
_FLINK_INTERVAL_DIGITS = 2  # more need to be told
_METADATA = {
    "ROWTIME": "ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'",
    "ROWPARTITION": "part INT METADATA FROM 'partition'",
    "ROWOFFSET": "pos BIGINT METADATA FROM 'offset'",
}
_LISTS = {
    "TOPICS": "%stream topics lists them here.",
    "QUERIES": "Here SHOW JOBS lists what runs, %stream jobs what is deployed.",
    "PROPERTIES": "Here SET without more lists the settings.",
    "CONNECTORS": "Here a connector is an option of a table: WITH ('connector' = …).",
    "TYPES": "Flink has no types with names: write ROW<…> where it is needed.",
    "VARIABLES": "Flink's SQL has no variables.",
}


def _flink_interval(number: str, unit: str) -> str:
    """Return such as INTERVAL '10' MINUTE."""
    if unit == "MILLISECOND":
        return f"INTERVAL '{int(number) / 1000:.3f}' SECOND"
    digits = f"({len(number)})" if len(number) > _FLINK_INTERVAL_DIGITS else ""
    return f"INTERVAL '{number}' {unit}{digits}"


def _ksql_spans(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Return the spans among tokens as intervals of Flink's, each with the word before it."""
    found = []
    for i, (number, unit) in enumerate(pairwise(tokens)):
        singular = unit.word.removesuffix("S")
        if number.text.isdecimal() and singular in _UNITS:
            found.append((tokens[i - 1].word if i else "", _flink_interval(number.text, singular)))
    return found


def _flink_window(found: _Found) -> str:
    kind = found.rest[1].word
    spans = dict(_ksql_spans(found.inside()))
    function, *wanted = {
        "TUMBLING": ("TUMBLE", "SIZE"),
        "HOPPING": ("HOP", "BY", "SIZE"),  # ADVANCE BY
        "SESSION": ("SESSION", ""),
    }[kind]
    source = found.name_after("FROM", "t")
    keys = " PARTITION BY …" if kind == "SESSION" else ""
    lengths = ", ".join(spans.get(word, "INTERVAL …") for word in wanted)
    return (
        f"Here a window is a table function: FROM TABLE({function}(TABLE {source}{keys}, "
        f"DESCRIPTOR(ts), {lengths})) … GROUP BY window_start, window_end, with ts the time column."
    )


def _flink_table(found: _Found) -> str | None:
    """Say how a CREATE STREAM or TABLE over a topic is made."""
    if not found.tokens or found.tokens[0].word != "CREATE":
        return None
    is_stream = found.has("STREAM")
    name = found.name_after("STREAM" if is_stream else "TABLE", "t")
    if found.statement.top_level("SELECT") is not None:
        return f"Here CREATE VIEW {name} AS SELECT … names a query, and %%stream deploy makes a job of one."
    topic = found.option("KAFKA_TOPIC") or name.strip('`"')
    given = (found.option("VALUE_FORMAT", "FORMAT") or "JSON").upper()
    style = _FLINK_FORMATS.get(given, "json")
    common = f"'topic' = '{topic}', 'properties.bootstrap.servers' = {{{{ kafka }}}}"
    if is_stream:
        return (
            f"Here it is CREATE TABLE {name} (…) WITH ('connector' = 'kafka', {common}, "
            f"'format' = '{style}', 'scan.startup.mode' = 'earliest-offset')."
        )
    return (
        f"Here it is CREATE TABLE {name} (…, PRIMARY KEY (…) NOT ENFORCED) WITH "
        f"('connector' = 'upsert-kafka', {common}, 'key.format' = '{style}', 'value.format' = '{style}')."
    )


def _flink_join(found: _Found) -> str | None:
    spans = [interval for _, interval in _ksql_spans(found.rest[:8])]
    if not spans:
        return None
    return f"Here the times are compared: ON … AND b.ts BETWEEN a.ts - {spans[0]} AND a.ts + {spans[-1]}."


def _flink_field(found: _Found) -> str | None:
    minus, sign = found.rest[:2]
    if minus.end != sign.start or not found.at:
        return None
    names = [found.tokens[found.at - 1].text, *(token.text for token in found.rest[2::3])]
    arrows = [token.text for token in found.rest[3::3]]
    count = 2 + next((i for i, text in enumerate(arrows) if text != "-"), len(arrows))
    return f"Here a dot takes a field: {_short('.'.join(names[:count]))}."


def _flink_metadata(found: _Found) -> str | None:
    token = found.rest[0]
    # A column may well be called rowtime in Flink.
    if token.text != token.word or found.has("DESCRIPTOR") or found.has("WATERMARK"):
        return None
    return f"Here a Kafka table declares it: CREATE TABLE … (…, {_METADATA[token.word]})."


def _flink_offsets(found: _Found) -> str:
    mode = (
        "latest"
        if found.option("AUTO.OFFSET.RESET", "KSQL.STREAMS.AUTO.OFFSET.RESET") == "latest"
        else "earliest"
    )
    return f"Here each table says where it begins: 'scan.startup.mode' = '{mode}-offset'."


def _flink_print(found: _Found) -> str:
    topic = found.rest[1].text.strip("'`\"") if len(found.rest) > 1 else "TOPIC"
    return f"Here %stream peek {_short(topic)} shows the records of a topic."


def _flink_create_type(found: _Found) -> str:
    return f"Flink has no types with names: write ROW<…> where {found.name_after('TYPE', 'it')} stood."


_KSQLDB = (
    _rule("^ LIST|SHOW STREAMS", "Here it is SHOW TABLES."),
    _rule("^ LIST TABLES", "Here it is SHOW TABLES."),
    _rule("^ LIST FUNCTIONS", "Here it is SHOW FUNCTIONS."),
    *(_rule(f"^ LIST|SHOW {what}", here) for what, here in _LISTS.items()),
    _rule("^ LIST|SHOW ALL TOPICS", _LISTS["TOPICS"]),
    _rule("^ PRINT", _flink_print),
    _rule("^ TERMINATE", "Here %stream stop NAME ends a deployment, handle.stop() a query of a cell."),
    _rule("^ PAUSE", "Here %stream stop NAME stops a deployment and keeps its state."),
    _rule("^ RESUME", "Here %stream deploy NAME --resume starts a deployment from its last state."),
    _rule("^ DEFINE|UNDEFINE", "Flink's SQL has no variables: write the value where it is needed."),
    _rule("^ UNSET", lambda found: f"Here it is RESET {found.typed(found.rest[1:2])}."),
    _rule("^ ASSERT", "Flink has nothing like it; %stream topics lists the topics."),
    _rule("^ RUN SCRIPT", "Here a file's statements are pasted into a cell."),
    _rule("^ DROP STREAM", lambda found: f"Here it is DROP TABLE {found.name_after('STREAM', 't')}."),
    _rule("ADD COLUMN", "Here it is ALTER TABLE t ADD name TYPE, without COLUMN."),
    _rule("DELETE TOPIC", "Here DROP TABLE never deletes a topic: leave DELETE TOPIC out."),
    _rule("^ CREATE SOURCE|SINK CONNECTOR", _LISTS["CONNECTORS"]),
    _rule("^ CREATE TYPE", _flink_create_type),
    _rule("^ CREATE STREAM", _flink_table),
    _rule("^ CREATE OR REPLACE STREAM", _flink_table, "CREATE STREAM"),
    _rule("^ CREATE SOURCE STREAM|TABLE", _flink_table),
    _rule("^ CREATE OR REPLACE SOURCE STREAM|TABLE", _flink_table, "CREATE SOURCE"),
    _rule(
        "KAFKA_TOPIC|'kafka_topic'|VALUE_FORMAT|'value_format'|KEY_FORMAT =",
        _flink_table,
        "WITH (KAFKA_TOPIC = …)",
    ),
    _rule("WINDOW TUMBLING|HOPPING|SESSION (", _flink_window, "WINDOW … (SIZE …)"),
    _rule("WITHIN", _flink_join, "JOIN … WITHIN"),
    _rule(
        "~ PARTITION BY",
        "Leave it out: Flink brings rows with the same key together by itself.",
        "PARTITION BY at the end",
    ),
    _rule("- >", _flink_field, "STRUCT->FIELD"),
    _rule("STRUCT <", "Here the type is ROW<…>.", "STRUCT<…>"),
    _rule("'auto.offset.reset'|'ksql.streams.auto.offset.reset'", _flink_offsets),
    _functions(
        {
            "AS_VALUE": "the column as it is: {}",
            "LATEST_BY_OFFSET": "LAST_VALUE({})",
            "EARLIEST_BY_OFFSET": "FIRST_VALUE({})",
            "COLLECT_LIST": "ARRAY_AGG({})",
            "COLLECT_SET": "ARRAY_AGG(DISTINCT {})",
            "COUNT_DISTINCT": "COUNT(DISTINCT {})",
            "TOPK": "a WHERE on ROW_NUMBER() OVER (PARTITION BY … ORDER BY … DESC), for TOPK({})",
            "EXPLODE": "CROSS JOIN UNNEST({}) AS t (item)",
            "UCASE": "UPPER({})",
            "LCASE": "LOWER({})",
            "LEN": "CHAR_LENGTH({})",
            "ARRAY_LENGTH": "CARDINALITY({})",
            "EXTRACTJSONFIELD": "JSON_VALUE({})",
            "TIMESTAMPTOSTRING": "DATE_FORMAT(…), for TIMESTAMPTOSTRING({})",
            "FORMAT_TIMESTAMP": "DATE_FORMAT({})",
            "STRINGTOTIMESTAMP": "TO_TIMESTAMP({})",
            "PARSE_TIMESTAMP": "TO_TIMESTAMP({})",
        }
    ),
    _rule("WINDOWSTART|WINDOWEND", "Here a window's bounds are window_start and window_end."),
    _rule("~ EMIT CHANGES", "Leave it out: a Flink query on a stream runs on by itself."),
    _rule("~ EMIT FINAL", "Leave it out: the rows of a window in TABLE(TUMBLE(…)) are final in Flink."),
    _rule("ROWTIME|ROWPARTITION|ROWOFFSET", _flink_metadata),
)


# --- Flink's SQL, refused by ksqlDB -------------------------------------------------------------------

_KSQL_FORMATS = {
    "json": "JSON",
    "csv": "DELIMITED",
    "avro-confluent": "AVRO",
    "raw": "KAFKA",
    "protobuf": "PROTOBUF",
}
_KSQL_WINDOWS = ("TUMBLE", "HOP", "CUMULATE", "SESSION")
_NAMED = 3  # tokens of NAME =>
_STEP = "Give it a name first: CREATE STREAM part AS SELECT … EMIT CHANGES; then SELECT … FROM part."


def _flink_spans(tokens: Sequence[Token]) -> dict[str, str]:
    """Return the intervals among tokens as ksqlDB's spans: by the name of the argument, else its number."""
    found: dict[str, str] = {}
    for i, (word, text, unit) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        number = text.text.strip("'")
        if word.word != "INTERVAL":
            continue
        is_named = [token.text for token in tokens[max(i - 2, 0) : i]] == ["=", ">"]
        singular = unit.word.removesuffix("S")
        plain = number.isdecimal() and singular in _UNITS
        span = f"{number} {singular}{'' if number == '1' else 'S'}" if plain else "…"
        found[tokens[i - 3].word if is_named and i >= _NAMED else str(len(found))] = span
    return found


def _ksql_window(found: _Found) -> str | None:
    """Say how a window is written. ksqlDB's own SESSION (…) has no INTERVAL in it."""
    inside = found.inside()
    spans = _flink_spans(inside)
    if not spans and all(token.word != "DESCRIPTOR" for token in inside):
        return None
    function = next(token.word for token in found.rest if token.word in _KSQL_WINDOWS)
    first, second = spans.get("0", "…"), spans.get("1", "…")
    size, slide = spans.get("SIZE", second), spans.get("SLIDE", spans.get("STEP", first))
    window = {
        "TUMBLE": f"TUMBLING (SIZE {spans.get('SIZE', first)})",
        "HOP": f"HOPPING (SIZE {size}, ADVANCE BY {slide})",
        "CUMULATE": f"HOPPING (SIZE {size}, ADVANCE BY {slide})",
        "SESSION": f"SESSION ({spans.get('GAP', first)})",
    }[function]
    near = "The nearest here is" if function == "CUMULATE" else "Here it is"
    tables = [after for before, after in pairwise(inside) if before.word == "TABLE"]
    source = _short(tables[0].text) if tables else found.name_after("FROM", "s")
    return f"{near} FROM {source} WINDOW {window} … GROUP BY … EMIT CHANGES, with WINDOWSTART and WINDOWEND."


def _ksql_source(found: _Found) -> str:
    """Say how a table over a topic is made."""
    connector = found.option("CONNECTOR") or ""
    name = found.name_after("TABLE", "s")
    if connector not in ("kafka", "upsert-kafka"):
        return (
            f"ksqlDB reads and writes Kafka's topics only, not '{connector}': CREATE STREAM {name} (…) WITH "
            "(KAFKA_TOPIC = '…', VALUE_FORMAT = 'JSON')."
        )
    topic = found.option("TOPIC") or name.strip("`")
    style = _KSQL_FORMATS.get((found.option("FORMAT", "VALUE.FORMAT") or "json").lower(), "JSON")
    time = found.name_after("FOR", "") if found.has("WATERMARK") else ""
    timestamp = f", TIMESTAMP = '{time.strip('`')}'" if time else ""
    kind, key = ("TABLE", "… PRIMARY KEY, …") if connector == "upsert-kafka" else ("STREAM", "…")
    options = f"KAFKA_TOPIC = '{topic}', VALUE_FORMAT = '{style}'{timestamp}"
    return f"Here it is CREATE {kind} {name} ({key}) WITH ({options})."


def _ksql_watermark(found: _Found) -> str:
    time = found.name_after("FOR", "ts").strip("`")
    return (
        f"Here WITH (TIMESTAMP = '{time}') names the time column, and a window says how late rows may be: "
        "GRACE PERIOD 1 MINUTE."
    )


def _ksql_key(found: _Found) -> str:
    column = found.typed(found.inside()) or "id"
    return f"Here it stands at the column of a CREATE TABLE: {column} … PRIMARY KEY."


def _ksql_order(found: _Found) -> str:
    column = _short(found.rest[2].text.strip("`")) if len(found.rest) > 2 else "x"  # noqa: PLR2004 - the term
    return f"ksqlDB sorts nothing: with -o r on the magic, r.df.sort_values('{column}') sorts what has come."


def _ksql_interval(found: _Found) -> str | None:
    if len(found.rest) < 3 or not found.rest[1].text.startswith("'"):  # noqa: PLR2004 - PRINT … INTERVAL 5
        return None
    number, unit = found.rest[1].text.strip("'"), found.rest[2].word.removesuffix("S")
    return f"Here it is TIMESTAMPADD({unit}S, {_short(number)}, ts)." if unit in _UNITS else None


def _ksql_view(found: _Found) -> str:
    return f"Here it is CREATE STREAM {found.name_after('VIEW', 'v')} AS SELECT … EMIT CHANGES, and runs on."


def _ksql_union(found: _Found) -> str:
    first = found.name_after("FROM", "a")
    return (
        f"Here two queries write one stream: CREATE STREAM u AS SELECT … FROM {first} EMIT CHANGES; "  # noqa: S608
        "then INSERT INTO u SELECT … EMIT CHANGES."
    )


def _ksql_row(found: _Found) -> str | None:
    # Elsewhere a column named row is compared.
    return "Here the type is STRUCT<…>." if found.tokens[0].word == "CREATE" else None


def _ksql_reset(found: _Found) -> str:
    return f"Here it is UNSET {found.typed(found.rest[1:2]) or '…'}."


_NAMES = "ksqlDB has neither catalogs nor databases: all streams and tables have plain names."
_NO_JARS = "ksqlDB takes functions from its server's extension directory (ksql.extension.dir) when it starts."
_NO_OVER = (
    "ksqlDB has none: LATEST_BY_OFFSET(x) … GROUP BY gives the newest row of a key, TOPK(x, 3) the largest."
)
_SINGLE = "Here each INSERT INTO … SELECT is a statement by itself, and a query that runs on."

_FLINK = (
    _rule("^ EXECUTE|EXPLAIN|BEGIN STATEMENT SET", _SINGLE),
    _rule("^ EXECUTE", "Here the statement stands by itself."),
    _rule("^ USE", _NAMES),
    _rule("^ CREATE|DROP|ALTER CATALOG|DATABASE", _NAMES),
    _rule("^ SHOW CATALOGS|DATABASES|CURRENT", _NAMES),
    _rule("^ SHOW VIEWS", "Here it is LIST STREAMS, or LIST TABLES."),
    _rule("^ SHOW JOBS", "Here it is LIST QUERIES."),
    _rule("^ SHOW CREATE", "Here DESCRIBE name EXTENDED tells the statement that made it."),
    _rule("^ STOP JOB", "Here it is TERMINATE id; LIST QUERIES tells the ids."),
    _rule("^ ADD|REMOVE JAR", _NO_JARS),
    _rule("^ LOAD|UNLOAD MODULE", _NO_JARS),
    _rule("^ CREATE FUNCTION", _NO_JARS),
    _rule("^ CREATE TEMPORARY FUNCTION|SYSTEM", _NO_JARS),
    _rule("^ RESET", _ksql_reset),
    _rule("^ DESC", lambda found: f"Here it is DESCRIBE {found.name_after('DESC', 's')}."),
    _rule("^ EXPLAIN PLAN FOR", "Here it is EXPLAIN SELECT …."),
    _rule("^ CREATE VIEW", _ksql_view),
    _rule("^ CREATE TEMPORARY VIEW", _ksql_view),
    _rule("^ CREATE OR REPLACE VIEW", _ksql_view, "CREATE VIEW"),
    _rule("^ INSERT OVERWRITE", "Here it is INSERT INTO: a topic only grows."),
    _rule(
        "^ UPDATE|DELETE|TRUNCATE",
        "A topic only grows: INSERT INTO … VALUES puts a new row for a key behind the old.",
    ),
    _rule("^ WITH", _STEP, "WITH … AS (…)"),
    _rule("^ VALUES", "Here rows are put into a stream: INSERT INTO s (…) VALUES (…)."),
    _rule("'connector' =", _ksql_source, "WITH ('connector' = …)"),
    _rule("TABLE ( TUMBLE|HOP|CUMULATE|SESSION (", _ksql_window, "A window as a table function"),
    _rule("TUMBLE|HOP|CUMULATE|SESSION (", _ksql_window),
    _rule("MATCH_RECOGNIZE", "ksqlDB has nothing like it."),
    _rule("OVER (", _NO_OVER, "OVER (…)"),
    _rule("ROW_NUMBER|RANK|LAG|LEAD (", _NO_OVER),
    _rule("WATERMARK FOR", _ksql_watermark),
    _rule("PRIMARY KEY (", _ksql_key, "PRIMARY KEY (…)"),
    _rule("NOT ENFORCED", "Leave it out: PRIMARY KEY at a column of a CREATE TABLE is enough."),
    _rule("METADATA FROM", "Here ROWTIME, ROWPARTITION and ROWOFFSET are columns of every stream."),
    _rule(
        "FOR SYSTEM_TIME AS OF", "Leave it out: a stream joined with a table meets the table as it is then."
    ),
    _rule("CROSS JOIN UNNEST (", "Here EXPLODE(x) in the SELECT makes a row of each element."),
    _rule("UNION|INTERSECT|EXCEPT ALL|SELECT|(", _ksql_union, "UNION"),
    _rule("( SELECT", _STEP, "A query in parentheses"),
    _rule("~ ORDER BY", _ksql_order),
    _rule("SELECT DISTINCT", "Here it is SELECT … GROUP BY … EMIT CHANGES."),
    _rule(
        "COUNT ( DISTINCT",
        lambda found: f"Here it is COUNT_DISTINCT({found.typed(found.inside()[1:])}).",
        "COUNT(DISTINCT …)",
    ),
    _rule("TIMESTAMP_LTZ", "Here the type is TIMESTAMP, a moment in UTC."),
    _rule(
        "TIMESTAMP|TIME (",
        "Here TIMESTAMP and TIME have no precision: leave the (…) out.",
        "A precision of times",
    ),
    _rule("ROW <", _ksql_row, "ROW<…>"),
    _rule("INTERVAL", _ksql_interval),
    _functions(
        {
            "LAST_VALUE": "LATEST_BY_OFFSET({})",
            "FIRST_VALUE": "EARLIEST_BY_OFFSET({})",
            "ARRAY_AGG": "COLLECT_LIST({})",
            "UPPER": "UCASE({})",
            "LOWER": "LCASE({})",
            "CHAR_LENGTH": "LEN({})",
            "CARDINALITY": "ARRAY_LENGTH({})",
            "JSON_VALUE": "EXTRACTJSONFIELD({})",
            "DATE_FORMAT": "FORMAT_TIMESTAMP({})",
            "TO_TIMESTAMP": "PARSE_TIMESTAMP({})",
            "TO_TIMESTAMP_LTZ": "FROM_UNIXTIME(…), which takes milliseconds, for TO_TIMESTAMP_LTZ({})",
            "PROCTIME": "the column ROWTIME",
        }
    ),
)


def _flink_hint(statement: Statement) -> str | None:
    """Say what to do about a hint, which ksqlDB takes for a comment, and about a SELECT of nothing."""
    if any(token.text.startswith("/*+") for token in tokenize(statement.text)):
        return (
            "/*+ OPTIONS(…) */ is Flink's, and %%flink runs it. To ksqlDB it is a comment: "
            "SET 'auto.offset.reset' = 'earliest' says where a query begins."
        )
    if statement.words[:1] == ("SELECT",) and statement.top_level("FROM") is None:
        return (
            "SELECT without FROM is Flink's, and %%flink runs it. Here a query reads a stream or table: "
            "SELECT … FROM s."
        )
    return None
