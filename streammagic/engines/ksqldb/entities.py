"""What ``/ksql`` answers, as a table, a page of text or a line.

Source: io.confluent.ksql.rest.entity (KsqlEntity and its subclasses), the same from 7.1 to 8.2; what older
servers call otherwise is taken too. An answer that is a set is sorted by name, so that it looks the same on
the next run: the server lists from hash maps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.engines.ksqldb import entities_pages as pages
from streammagic.engines.ksqldb.errors import telling
from streammagic.engines.ksqldb.types import column, parse_type
from streammagic.results.changes import Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streammagic.results.changes import Row

Entity = dict[str, Any]

_NUMBERS = frozenset({"partitions", "replicas", "consumers", "groups"})
_FLAGS = frozenset({"windowed", "editable", "overridden"})
_TYPES = {name: parse_type(name) for name in ("STRING", "BIGINT", "BOOLEAN")}
_COMMON = frozenset({"@type", "statementText", "warnings"})
_SHORT = (
    (re.compile(r"(?:Stream|Table) created|Query (?:terminated|paused|resumed)\.|Dropped type '.*'"), ""),
    (re.compile(r"(?:Stream|Table) .* altered\."), ""),
    (re.compile(r"Created query with ID (\S+)"), "a query fills it"),
    (re.compile(r"Source `(.*)` \(topic: (.*)\) was dropped\."), r"dropped \1, which was over topic \2"),
    (re.compile(r"Source `(.*)` does not exist\."), r"there is no \1, nothing was dropped"),
    (re.compile(r"Type '(.*)' does not exist"), r"there is no type \1, nothing was dropped"),
    (re.compile(r"Registered custom type with name '(.*?)' and SQL type (.*)"), r"\1 stands for \2"),
    (re.compile(r"(\S+) is already registered with type (.*)"), r"there is a type \1 already: \2"),
    (
        re.compile(r"Cannot add (\w+) `(.*)`: A (\w+) with the same name already exists\."),
        r"there is a \3 \2 already",
    ),
)
"""Messages of ``commandStatus`` and ``warning_entity``, and what they say that "OK" does not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An entity as it is shown: rows of ``schema``, none of either where ``notes`` say all there is to say.

    One column with one row of several lines is a page of text.
    """

    schema: Schema
    rows: list[Row]
    notes: tuple[str, ...] = ()


def rendered(entity: Entity) -> Answer:
    """Turn an entity into what is shown of it; one that is not known becomes a table of its fields."""
    render = _RENDERERS.get(str(entity.get("@type")), _fields)
    try:
        answer = render(entity)
    except (AttributeError, KeyError, TypeError, ValueError):
        answer = _fields(entity)  # known by name only, of another version
    warnings = (
        str(warning.get("message", "")) if isinstance(warning, dict) else str(warning)
        for warning in entity.get("warnings") or ()
    )
    return replace(answer, notes=(*answer.notes, *filter(None, warnings)))


def _table(names: Sequence[str], rows: Iterable[Row], *notes: str) -> Answer:
    kinds = ("BIGINT" if name in _NUMBERS else "BOOLEAN" if name in _FLAGS else "STRING" for name in names)
    columns = tuple(column(name, _TYPES[kind]) for name, kind in zip(names, kinds, strict=True))
    return Answer(Schema(columns), list(rows), tuple(filter(None, notes)))


def _sorted(names: Sequence[str], rows: Iterable[Row], *notes: str) -> Answer:
    return _table(names, sorted(rows, key=lambda row: [str(value) for value in row]), *notes)


def _page(name: str, text: str, *notes: str) -> Answer:
    return _table([name], [[f"{text.rstrip()}\n"]], *notes)


def _note(*notes: str) -> Answer:
    return _table([], [], *notes)


def _short(message: str) -> str:
    for pattern, text in _SHORT:
        if pattern.fullmatch(message):
            return pattern.sub(text, message)
    return message


def _command(entity: Entity) -> Answer:
    status = entity["commandStatus"]
    state, message = str(status["status"]), str(status.get("message") or "")
    if state == "ERROR":
        return _note(f"failed: {telling(message)}")
    if state not in ("SUCCESS", "TERMINATED"):
        return _note(f"not carried out yet ({state.lower()})")
    return _note(_short(message))


def _sources(entity: Entity) -> Answer:
    found = entity["streams"] if "streams" in entity else entity["tables"]
    return _sorted(
        ["name", "topic", "key format", "value format", "windowed"],
        (
            [
                one["name"],
                one["topic"],
                one.get("keyFormat"),
                one.get("valueFormat", one.get("format")),
                one.get("isWindowed"),
            ]
            for one in found
        ),
    )


def _source(entity: Entity) -> Answer:
    source = entity["sourceDescription"]
    if source.get("extended"):
        return _page("description", pages.source_page(source))
    return _table(["column", "type", "key"], pages.columns(source), *pages.source_notes(source))


def _many_sources(entity: Entity) -> Answer:
    found = sorted(entity["sourceDescriptions"], key=lambda source: str(source["name"]))
    if any(source.get("extended") for source in found):
        return _page("description", "\n\n".join(map(pages.source_page, found)))
    rows = [[source["name"], *row] for source in found for row in pages.columns(source)]
    notes = [note for source in found for note in pages.source_notes(source)]
    return _table(["source", "column", "type", "key"], rows, *notes)


def _queries(entity: Entity) -> Answer:
    return _sorted(
        ["id", "type", "state", "sink", "query"],
        (
            [
                one["id"],
                one.get("queryType"),
                pages.state(one),
                pages.sinks(one),
                " ".join(str(one["queryString"]).split()),
            ]
            for one in entity["queries"]
        ),
    )


def _query(entity: Entity) -> Answer:
    return _page("query", pages.query_page(entity["queryDescription"]))


def _many_queries(entity: Entity) -> Answer:
    found = sorted(entity["queryDescriptions"], key=lambda query: str(query["id"]))
    if not found:
        return _table(["query"], [])
    return _page("query", "\n\n".join(map(pages.query_page, found)))


def _function(entity: Entity) -> Answer:
    return _page("function", pages.function_page(entity))


def _functions(entity: Entity) -> Answer:
    rows = ([one["name"], one.get("type"), one.get("category")] for one in entity["functions"])
    return _sorted(["name", "type", "category"], rows)


def _properties(entity: Entity) -> Answer:
    """List properties. Older servers send an object of names and values instead of a list."""
    found = entity["properties"]
    if isinstance(found, dict):
        found = [{"name": name, "value": value} for name, value in found.items()]
    overridden = set(entity.get("overwrittenProperties") or ())
    return _sorted(
        ["name", "value", "scope", "level", "editable", "overridden"],
        (
            [
                one["name"],
                _text(one.get("value")),
                one.get("scope"),
                one.get("level"),
                one.get("editable"),
                one["name"] in overridden,
            ]
            for one in found
        ),
    )


def _topics(entity: Entity) -> Answer:
    """List topics; ``replicaInfo`` has the number of replicas of each partition."""
    extended = entity["@type"] == "kafka_topics_extended"
    names = ["name", "partitions", "replicas", *(["consumers", "groups"] if extended else [])]
    rows, notes = [], []
    for one in sorted(entity["topics"], key=lambda topic: str(topic["name"])):
        replicas = one["replicaInfo"]
        row = [one["name"], len(replicas), min(replicas, default=None)]
        rows.append([*row, one["consumerCount"], one["consumerGroupCount"]] if extended else row)
        if len(set(replicas)) > 1:
            notes.append(f"replicas of {one['name']} by partition: {', '.join(map(str, replicas))}")
    return _table(names, rows, *notes)


def _types(entity: Entity) -> Answer:
    return _sorted(["name", "type"], ([name, pages.sql_type(one)] for name, one in entity["types"].items()))


def _variables(entity: Entity) -> Answer:
    return _sorted(["name", "value"], ([one["name"], one["value"]] for one in entity["variables"]))


def _warning(entity: Entity) -> Answer:
    return _note(_short(str(entity["message"])))


def _failure(entity: Entity) -> Answer:
    return _note(f"failed: {telling(str(entity['errorMessage']))}")


def _terminated(entity: Entity) -> Answer:
    """Tell of a query that was ended. The server writes its id in upper case."""
    query = str(entity["queryId"])
    asked = next(
        (word for word in re.findall(r"\w+", str(entity.get("statementText"))) if word.upper() == query),
        query,
    )
    return _note(f"ended {asked}" if entity["wasTerminated"] else f"{asked} was not ended")


def _asserted(entity: Entity) -> Answer:
    if entity["@type"] == "assert_topic":
        what = f"topic {entity['topicName']}"
    else:
        subject, number = entity.get("subject"), entity.get("id")
        what = (
            "schema"
            + (f" of subject {subject}" if subject else "")
            + (f" with id {number}" if number else "")
        )
    return _note(f"the {what} exists" if entity["exists"] else f"there is no {what}")


def _connector(entity: Entity) -> Answer:
    info = entity["info"]
    kind = str(info.get("type") or "").lower()
    tasks = len(info.get("tasks") or ())
    return _note(
        f"created {kind} connector {info['name']}".replace("  ", " ") + (f", {tasks} tasks" if tasks else "")
    )


def _dropped_connector(entity: Entity) -> Answer:
    return _note(f"dropped connector {entity['connectorName']}")


def _connector_description(entity: Entity) -> Answer:
    return _page("connector", pages.connector_page(entity))


def _connectors(entity: Entity) -> Answer:
    rows = (
        [one["name"], one.get("type"), one.get("className"), one.get("state")] for one in entity["connectors"]
    )
    return _sorted(["name", "type", "class", "state"], rows)


def _plugins(entity: Entity) -> Answer:
    rows = ([one["className"], one.get("type"), one.get("version")] for one in entity["connectorsPlugins"])
    return _sorted(["class", "type", "version"], rows)


def _plan(entity: Entity) -> Answer:
    return _page("plan", pages.unfolded(str(entity["executionPlan"])))


def _fields(entity: Entity) -> Answer:
    return _table(
        ["name", "value"], ([name, _text(value)] for name, value in entity.items() if name not in _COMMON)
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode()


_RENDERERS: dict[str, Callable[[Entity], Answer]] = {
    "currentStatus": _command,
    "streams": _sources,
    "tables": _sources,
    "sourceDescription": _source,
    "source_descriptions": _many_sources,
    "queries": _queries,
    "queryDescription": _query,
    "query_descriptions": _many_queries,
    "describe_function": _function,
    "function_names": _functions,
    "properties": _properties,
    "kafka_topics": _topics,
    "kafka_topics_extended": _topics,
    "type_list": _types,
    "variables": _variables,
    "warning_entity": _warning,
    "error_entity": _failure,
    "terminate_query": _terminated,
    "assert_topic": _asserted,
    "assert_schema": _asserted,
    "connector_info": _connector,
    "drop_connector": _dropped_connector,
    "connector_description": _connector_description,
    "connector_list": _connectors,
    "connector_plugins_list": _plugins,
    "executionPlan": _plan,
}
