"""What Flink's planner says of a query before it runs, and what a change of it does to its state.

Source: EXPLAIN CHANGELOG_MODE (page "EXPLAIN Statements"). Operators of SQL have no ids of their own: state
finds its operator by the shape of the graph, and is taken or refused by the types in it (measured on
2.3.0: a changed key or aggregate of the same shape is restored without a word, with the old numbers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.engines.jobs import Comparison

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXECUTION = "== Optimized Execution Plan =="
_PHYSICAL = "== Optimized Physical Plan =="
_MODE = re.compile(r"changelogMode=\[([A-Z,]*)\]")
_NODE = re.compile(r"(?P<indent>[\s:|+-]*)(?P<type>\w+)\((?P<args>.*)\)")
_ARGUMENT = re.compile(r"(\w+)=(\[(?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])*\])")
_STATELESS = frozenset(
    {"Calc", "Exchange", "WatermarkAssigner", "Sink", "Union", "Correlate", "Values", "DropUpdateBefore",
     "MiniBatchAssigner", "Expand", "Reused", "WindowTableFunction", "LocalGroupAggregate",
     "LocalWindowAggregate", "TableSourceScan", "DataStreamScan", "LegacyTableSourceScan"}
)  # fmt: skip
_WORDS = {
    "groupBy": "keys",
    "window": "window",
    "select": "aggregates",
    "where": "condition",
    "joinType": "kind of join",
    "partitionBy": "keys",
    "orderBy": "order",
    "rankRange": "rank",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as text: of a query, "append" or "updating", and its execution nodes."""

    updating: bool
    execution: str


def read(explained: str) -> Plan:
    """Read the answer of EXPLAIN CHANGELOG_MODE."""
    physical = explained.partition(_PHYSICAL)[2].partition(_EXECUTION)[0]
    mode = _MODE.search(physical)
    return Plan(
        updating=mode is not None and mode[1] not in ("I", "NONE", ""),
        execution=explained.partition(_EXECUTION)[2].strip(),
    )


@dataclass(frozen=True, slots=True)
class _Node:
    type: str
    arguments: dict[str, str]

    @property
    def keeps_state(self) -> bool:
        return self.type not in _STATELESS


def _nodes(execution: str) -> Iterator[_Node]:
    for line in execution.splitlines():
        match = _NODE.match(line)
        if match:
            yield _Node(match["type"], dict(_ARGUMENT.findall(match["args"])))


def compare(old: str, new: str) -> Comparison:
    """Tell what becomes of the state of an execution plan when another takes its place.

    Flink finds an operator's state by the shape of the graph below it (StreamGraphHasherV2), so that shape
    must be the same up to the last operator with state. Above it only the sink keeps anything.
    """
    before, after = _Shape.of(old), _Shape.of(new)
    if before.types != after.types:
        return Comparison(verdict="refused", differences=(_other_operators(before, after),))
    differences: list[str] = []
    refused = False
    for one, other in zip(before.stateful, after.stateful, strict=True):
        differences += _differences(one, other)
        refused |= _count(one) != _count(other)
    if before.stateful:
        differences += _feeding(before.nodes, after.nodes)
    told = tuple(dict.fromkeys(differences))
    if refused:
        return Comparison(verdict="refused", differences=told)
    new_sink = before.above != after.above
    return Comparison(verdict="changed" if told else "fits", differences=told, new_sink=new_sink)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A plan by what its state depends on.

    ``types`` are the operators up to the last one with state, from the top; ``above`` those over it.
    """

    nodes: list[_Node]
    stateful: list[_Node]
    types: list[str]
    above: list[str]

    @classmethod
    def of(cls, execution: str) -> _Shape:
        nodes = list(_nodes(execution))
        stateful = [node for node in nodes if node.keeps_state]
        graph = [node for node in nodes if node.type != "Exchange"]
        cut = 0
        if sum(node.type == "Sink" for node in graph) == 1:
            kept = (i for i, node in enumerate(graph) if node.keeps_state or "Scan" in node.type)
            cut = next(kept, 0)
        types = [node.type for node in graph]
        return cls(nodes, stateful, types[cut:], types[:cut])


def _other_operators(before: _Shape, after: _Shape) -> str:
    names = [[node.type for node in shape.stateful] for shape in (before, after)]
    if names[0] == names[1]:
        names = [before.types, after.types]
    return "operators: " + " → ".join(", ".join(found) or "none with state" for found in names)


def _count(node: _Node) -> int:
    """Return the number of accumulators, which is the type of an aggregate's state."""
    return node.arguments.get("select", "").count("(") if "Aggregate" in node.type else 0


def _differences(one: _Node, other: _Node) -> Iterator[str]:
    for key in dict.fromkeys([*one.arguments, *other.arguments]):
        before, after = one.arguments.get(key, "none"), other.arguments.get(key, "none")
        if key in _WORDS and before != after:
            yield f"{_WORDS[key]}: {_plain(before)} → {_plain(after)}"


def _feeding(before: list[_Node], after: list[_Node]) -> Iterator[str]:
    """Compare what decides which rows and values reach the operators with state."""
    for word, parts in (("filters", _filters), ("input", _inputs)):
        one, other = parts(before), parts(after)
        if one != other:
            only = [part for part in one if part not in other], [part for part in other if part not in one]
            yield f"{word}: {_said(only[0])} → {_said(only[1])}"


def _filters(nodes: list[_Node]) -> list[str]:
    return [node.arguments["where"] for node in nodes if node.type == "Calc" and "where" in node.arguments]


def _inputs(nodes: list[_Node]) -> list[str]:
    """Return what the operators below the first one with state compute and read."""
    first = next(i for i, node in enumerate(nodes) if node.keeps_state)
    return [
        node.arguments[key]
        for node in nodes[first:]
        for key in (("select",) if node.type == "Calc" else ("table", "watermark"))
        if not node.keeps_state and key in node.arguments
    ]


def _said(parts: list[str]) -> str:
    return "; ".join(map(_plain, parts)) or "none"


def _plain(argument: str) -> str:
    return argument.removeprefix("[").removesuffix("]").replace("default_catalog, default_database, ", "")
