"""Answers of ``/ksql`` that no table suits, as pages of text: a source, a query, a function, a connector.

Source: io.confluent.ksql.rest.entity.{SourceDescription, QueryDescription, FunctionDescriptionList,
ConnectorDescription}. A page begins with what it is about; its sections are indented by two blanks.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from streammagic.engines.ksqldb.types import from_field
from streammagic.views.cells import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Thing = dict[str, Any]

_DEPRECATED = re.compile(r"The \w+ field is deprecated[^\n]*\n?")
_STATISTIC = re.compile(r"([\w.-]+):\s+(\S+)")
_PLAN_LEVEL = re.compile(r"(?m)^\t+")


def sql_type(schema: Thing | None) -> str:
    """Return the SQL spelling of a field's schema."""
    if not schema:
        return ""
    try:
        return from_field(schema).sql
    except (KeyError, TypeError):
        return str(schema.get("type", ""))


def columns(thing: Thing) -> list[list[str]]:
    """Return name, type and role of each column of a source or query."""
    is_table = thing.get("type") == "TABLE"
    return [
        [str(field["name"]), sql_type(field.get("schema")), _role(field, is_table=is_table)]
        for field in thing.get("fields") or ()
    ]


def state(query: Thing) -> str | None:
    """Return the state of a listed query: of one, or of each of its nodes where they differ.

    ``state`` itself never says PAUSED.
    """
    counts: dict[str, int] = query.get("statusCount") or {}
    if not counts:
        return query.get("state")
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def sinks(query: Thing) -> str:
    """Return what a listed query writes; the topic too where its name is another."""
    names, topics = query.get("sinks") or [], query.get("sinkKafkaTopics") or []
    return ", ".join(
        name if i >= len(topics) or topics[i] == name else f"{name} (topic {topics[i]})"
        for i, name in enumerate(names)
    )


def source_notes(source: Thing) -> list[str]:
    """Say in a few lines what a source is over, who writes and who reads it."""
    kind = str(source["type"]).lower()
    notes = [f"{kind} {source['name']} over {_topic(source)}"]
    if source.get("windowType"):
        notes.append(f"{source['windowType']} windows: WINDOWSTART and WINDOWEND are columns too")
    if source.get("timestamp"):
        notes.append(f"its time is that of column {source['timestamp']}")
    for text, queries in (("written by", source.get("writeQueries")), ("read by", source.get("readQueries"))):
        if queries:
            notes.append(f"{text} {', '.join(sorted(map(_named, queries)))}")
    if source.get("sourceConstraints"):
        notes.append(f"made from it: {', '.join(sorted(source['sourceConstraints']))}")
    return notes


def source_page(source: Thing) -> str:
    """Return DESCRIBE … EXTENDED as a page."""
    facts: list[list[object]] = [
        ["topic", _topic(source, with_formats=False)],
        ["replication", source.get("replication")],
        ["key format", source.get("keyFormat")],
        ["value format", source.get("valueFormat")],
        ["windows", source.get("windowType")],
        ["time from", source.get("timestamp")],
        ["made from it", ", ".join(sorted(source.get("sourceConstraints") or ()))],
    ]
    return _page(
        f"{source['type']} {source['name']}",
        ("", _facts(facts)),
        ("columns", _aligned(columns(source))),
        ("statement", str(source.get("statement") or "").splitlines()),
        ("written by", _query_lines(source.get("writeQueries"), source)),
        ("read by", _query_lines(source.get("readQueries"), source)),
        ("statistics", _statistics(source.get("statistics"), source.get("clusterStatistics"))),
        ("errors", _statistics(source.get("errorStats"), source.get("clusterErrorStats"))),
        *_offsets(source.get("queryOffsetSummaries") or ()),
    )


def query_page(query: Thing) -> str:
    """Return EXPLAIN as a page.

    Of a query that does not run, its id, kind and consumer group are left out: the first and last are made up
    for each EXPLAIN, and a pull query would be called PUSH.
    """
    name, runs = str(query["id"]), query.get("state") is not None
    words = (
        "RUNNING, or paused: LIST QUERIES tells" if query.get("state") == "RUNNING" else query.get("state")
    )
    set_to = query.get("overriddenProperties") or {}
    facts: list[list[object]] = [
        ["kind", query.get("queryType") if runs else None],
        ["state", words],
        ["hosts", ", ".join(f"{h} {s}" for h, s in sorted((query.get("ksqlHostQueryStatus") or {}).items()))],
        ["reads", ", ".join(query.get("sources") or ())],
        ["writes", ", ".join(query.get("sinks") or ())],
        ["windows", query.get("windowType")],
        ["set", ", ".join(f"{key} = {value}" for key, value in sorted(set_to.items()))],
        ["consumer group", query.get("consumerGroupId") if runs else None],
    ]
    plan, topology = unfolded(str(query.get("executionPlan") or "")), str(query.get("topology") or "")
    if not runs:
        plan, topology = plan.replace(f"{name}.", ""), topology.replace(f"{name}.", "")
    return _page(
        f"query {name}" if runs else "query, not running",
        ("errors, newest first", _errors(query.get("queryErrors") or ())),
        ("", _facts(facts)),
        ("statement", str(query.get("statementText") or "").splitlines()),
        ("columns", _aligned(columns(query))),
        ("read by its tasks (offsets)", _tasks(query.get("tasksMetadata") or ())),
        ("plan", plan.splitlines()),
        ("topology", topology.strip("\n").splitlines()),
    )


def unfolded(plan: str) -> str:
    """Return an execution plan with two blanks a level instead of two tabs."""
    return _PLAN_LEVEL.sub(lambda tabs: " " * len(tabs[0]), re.sub(r"(?m)^(\t*) > ", r"\1> ", plan))


def function_page(function: Thing) -> str:
    """Return DESCRIBE FUNCTION as a page: every way to call it, with its arguments."""
    facts = [
        ["author", function.get("author")],
        ["version", function.get("version")],
        ["jar", None if function.get("path") == "internal" else function.get("path")],
    ]
    name = str(function["name"])
    ways = sorted(_way(name, way) for way in function.get("functions") or ())
    return _page(
        f"{name}, {str(function.get('type') or '').lower()} function",
        ("", str(function.get("description") or "").splitlines()),
        ("", _facts(facts)),
        ("called as", [line for way in ways for line in way]),
    )


def connector_page(entity: Thing) -> str:
    """Return DESCRIBE CONNECTOR as a page; traces of failed tasks first."""
    status = entity.get("status") or {}
    parts = [("connector", status.get("connector") or {})]
    parts += [(f"task {task.get('id')}", task) for task in status.get("tasks") or ()]
    traces = [line for _, part in parts if part.get("trace") for line in str(part["trace"]).splitlines()]
    states = [[name, str(part.get("state")), str(part.get("worker_id") or "")] for name, part in parts]
    sources = sorted(
        f"{one['type']} {one['name']} over {one['topic']}" for one in entity.get("sources") or ()
    )
    return _page(
        f"connector {status.get('name')}",
        ("errors", traces),
        (
            "",
            _facts(
                [["type", str(status.get("type") or "").lower()], ["class", entity.get("connectorClass")]]
            ),
        ),
        ("state", _aligned(states)),
        ("topics", sorted(entity.get("topics") or ())),
        ("sources", sources),
    )


def _page(title: str, *sections: tuple[str, Sequence[str]]) -> str:
    """Join sections, (heading, lines), leaving out empty ones; without a heading they are not indented."""
    blocks = [title]
    for heading, lines in sections:
        if not lines:
            continue
        body = [f"  {line}".rstrip() for line in lines] if heading else [line.rstrip() for line in lines]
        blocks.append("\n".join([heading, *body] if heading else body))
    return "\n\n".join(blocks) + "\n"


def _aligned(rows: Iterable[Sequence[object]]) -> list[str]:
    """Return rows as lines whose columns stand under each other; numbers to the right."""
    table = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(width, cells)) for cells in zip(*table, strict=True)]

    def padded(cell: str, wide: int) -> str:
        blank = " " * (wide - width(cell))
        return blank + cell if cell.lstrip("-").isdecimal() else cell + blank

    return ["  ".join(map(padded, row, widths)).rstrip() for row in table]


def _facts(facts: Iterable[Sequence[object]]) -> list[str]:
    """Return (name, value) pairs as aligned lines, without those that have no value."""
    names = [(str(name), str(value)) for name, value in facts if value not in (None, "")]
    wide = max((len(name) for name, _ in names), default=0)
    return [f"{name:<{wide}}  {value}" for name, value in names]


def _role(field: Thing, *, is_table: bool) -> str:
    kind = str(field.get("type") or "")
    if kind == "KEY" and is_table:
        return "PRIMARY KEY"
    return f"HEADER('{field['headerKey']}')" if field.get("headerKey") else kind


def _topic(source: Thing, *, with_formats: bool = True) -> str:
    count = source.get("partitions") or 0
    text = f"topic {source['topic']}" if with_formats else str(source["topic"])
    if count:
        text += f" ({count} partition{'' if count == 1 else 's'})"
    if with_formats:
        text += f", key {source.get('keyFormat')}, value {source.get('valueFormat')}"
    return text


def _named(query: Thing) -> str:
    told = state(query)
    return str(query["id"]) if told in (None, "RUNNING") else f"{query['id']} ({told})"


def _query_lines(queries: Iterable[Thing] | None, source: Thing) -> list[str]:
    """Return queries as lines; the text of one that came with the source is the source's own statement."""
    rows = []
    for query in sorted(queries or (), key=lambda one: str(one["id"])):
        text = str(query["queryString"])
        told = "by the statement above" if text == source.get("statement") else " ".join(text.split())
        rows.append([query["id"], state(query), told])
    return _aligned(rows)


def _statistics(text: str | None, by_host: Iterable[Thing] | None) -> list[str]:
    """Return statistics as lines; by host where there are several hosts."""
    lines = _facts(_STATISTIC.findall(_DEPRECATED.sub("", text or "")))
    found = list(by_host or ())
    if len({one.get("host") for one in found}) > 1:
        rows = sorted([str(one["name"]), str(one["host"]), f"{one['value']:g}"] for one in found)
        lines += _aligned(rows)
    return lines


def _offsets(groups: Iterable[Thing]) -> list[tuple[str, list[str]]]:
    """Return a section for each consumer group: how far it has read each partition."""
    sections = []
    for group in sorted(groups, key=lambda one: str(one["groupId"])):
        rows: list[list[object]] = [["topic", "partition", "first", "end", "read up to", "lag"]]
        for topic in sorted(group.get("topicSummaries") or (), key=lambda one: str(one["kafkaTopic"])):
            for one in sorted(topic.get("offsets") or (), key=lambda offset: int(offset["partition"])):
                end, at = one["logEndOffset"], one["consumerOffset"]
                rows.append([topic["kafkaTopic"], one["partition"], one["logStartOffset"], end, at, end - at])
        if len(rows) > 1:
            sections.append((f"consumer group {group['groupId']}", _aligned(rows)))
    return sections


def _tasks(tasks: Iterable[Thing]) -> list[str]:
    """Return how far tasks are: ``endOffset`` was fetched last, ``committedOffset`` is read next."""
    rows: list[list[object]] = [["task", "topic", "partition", "fetched up to", "committed"]]
    for task in sorted(tasks, key=lambda one: str(one["taskId"])):
        for one in task.get("topicOffsets") or ():
            place = one["topicPartitionEntity"]
            ends = (one["endOffset"], one["committedOffset"])
            told = ["none" if end < 0 else end for end in ends]
            rows.append([task["taskId"], place["topic"], place["partition"], *told])
    return _aligned(rows) if len(rows) > 1 else []


def _errors(errors: Iterable[Thing]) -> list[str]:
    lines = []
    for one in sorted(errors, key=lambda error: -int(error.get("timestamp") or 0)):
        when = dt.datetime.fromtimestamp(int(one.get("timestamp") or 0) / 1000, dt.UTC)
        first, *rest = str(one.get("errorMessage") or "").splitlines() or [""]
        lines += [
            f"{when:%Y-%m-%d %H:%M:%S} UTC  {one.get('type')}  {first}",
            *(f"  {line}" for line in rest),
        ]
    return lines


def _way(name: str, way: Thing) -> list[str]:
    """Return one signature of a function, what it does, and its arguments."""
    arguments = way.get("arguments") or ()
    signature = ", ".join(f"{one.get('name') or ''} {_argument_type(one)}".strip() for one in arguments)
    told = [[one.get("name"), one["description"]] for one in arguments if one.get("description")]
    return [
        f"{name}({signature}) → {way.get('returnType')}",
        *(f"    {line}" for line in str(way.get("description") or "").splitlines()),
        *(f"      {line}" for line in _aligned(told)),
    ]


def _argument_type(argument: Thing) -> str:
    kind = str(argument.get("type"))
    return f"{kind}..." if argument.get("isVariadic") and not kind.endswith("...") else kind
