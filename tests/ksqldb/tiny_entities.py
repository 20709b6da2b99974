"""What the tiny server tells of sources and queries, in the shape in which a 7.4 tells it."""

from ksqldb.tiny_sql import Column

HOST = "127.0.0.1:8088"


def told(kind, statement, **more):
    """Return an entity with what all of them have."""
    return {"@type": kind, "statementText": statement.text, **more, "warnings": []}


def field(column, marked=True):
    told = {"name": column.name, "schema": column.type.json()}
    return told | ({"type": "KEY"} if column.key and marked else {})


def listed(source):
    return {
        "type": source.kind,
        "name": source.name,
        "topic": source.topic.name,
        "keyFormat": source.key_format,
        "valueFormat": source.value_format,
        "isWindowed": bool(source.window),
    }


def running(query):
    return {
        "queryString": query.text,
        "sinks": [query.sink.name] if query.sink else [],
        "sinkKafkaTopics": [query.sink.topic.name] if query.sink else [],
        "id": query.id,
        "statusCount": query.status_count,
        "queryType": "PERSISTENT" if query.persistent else "PUSH",
        "state": "ERROR" if query.errors else "RUNNING",
    }


def source_description(source, engine, extended):
    queries = [query for query in engine.queries.values() if query.persistent]
    writing = [query for query in queries if query.sink and query.sink.name == source.name]
    written = len(source.topic.records)
    statistics = [
        {"name": name, "host": HOST, "value": value, "timestamp": source.topic.records[-1].rowtime}
        for name, value in (("messages-per-sec", 0.0), ("total-messages", float(written)))
        if writing and written
    ]
    return {
        "name": source.name,
        "windowType": source.window,
        "readQueries": [
            running(query) for query in queries if query.plan.source.name == source.name and query.sink
        ],
        "writeQueries": [running(query) for query in writing],
        "fields": [field(column) for column in source.columns],
        "type": source.kind,
        "timestamp": "",
        "statistics": f"The statistics field is deprecated.\ntotal-messages: {written:9}"
        if extended and writing
        else "",
        "errorStats": "",
        "extended": extended,
        "keyFormat": source.key_format,
        "valueFormat": source.value_format,
        "topic": source.topic.name,
        "partitions": source.topic.partitions,
        "replication": 1,
        "statement": source.statement,
        "queryOffsetSummaries": [_offsets(query) for query in writing] if extended else [],
        "sourceConstraints": engine.constraints(source),
        "clusterStatistics": statistics,
        "clusterErrorStats": [],
    }


def _offsets(query):
    partitions = [
        {"partition": number, "logStartOffset": 0, "logEndOffset": end, "consumerOffset": position}
        for number, end, position in _partitions(query)
    ]
    return {
        "groupId": _group(query.id),
        "topicSummaries": [{"kafkaTopic": query.topic.name, "offsets": partitions}],
    }


def _partitions(query):
    """Return each partition's number, end and the query's place in it; all records are in the first."""
    first = [(0, len(query.topic.records), query.position)]
    return first + [(number, 0, 0) for number in range(1, query.topic.partitions)]


def _group(query_id):
    kind = "transient" if query_id.startswith("transient_") else "query"
    return f"_confluent-ksql-nb_{kind}_{query_id}"


def query_description(query, *, runs):
    """Describe a query; one that does not run, of an EXPLAIN with a statement, has no state and no tasks."""
    plan, persistent = query.plan, query.persistent
    fields = [*plan.keys, *(plan.values if persistent else plan.columns)]
    marks = [True] * len(plan.keys) + [False] * len(fields)
    tasks = [
        {
            "taskId": f"0_{number}",
            "topicOffsets": [
                {
                    "topicPartitionEntity": {"topic": query.topic.name, "partition": number},
                    "endOffset": end - 1,
                    "committedOffset": position if end else -1,
                }
            ],
            "timeCurrentIdlingStarted": None,
        }
        for number, end, position in _partitions(query)
    ]
    state = "ERROR" if query.errors else "RUNNING"
    return {
        "id": query.id,
        "statementText": query.text,
        "windowType": plan.windowed if persistent else None,
        "fields": [field(column, marked) for column, marked in zip(fields, marks, strict=False)],
        "sources": [plan.source.name],
        "sinks": [query.sink.name] if query.sink else [],
        "topology": _topology(query),
        "executionPlan": _execution_plan(query),
        "overriddenProperties": query.properties if runs else {},
        "ksqlHostQueryStatus": {HOST: state} if runs else {},
        "queryType": "PERSISTENT" if persistent else "PUSH",
        "queryErrors": query.errors,
        "tasksMetadata": tasks if runs else [],
        "consumerGroupId": _group(query.id),
        "state": state if runs else None,
    }


def _topology(query):
    """Return a topology of the nodes that tell something: what is read, and whether the result is a table."""
    nodes = ["Project"]
    if query.plan.grouped:
        nodes.insert(0, "KSTREAM-AGGREGATE-0000000005")
    if query.plan.table:
        nodes.append("KTABLE-TOSTREAM-0000000009")
    nodes.append("KSTREAM-SINK-0000000013" if query.sink else "KSTREAM-FOREACH-0000000010")
    lines = ["Topologies:", "   Sub-topology: 0"]
    lines.append(f"    Source: KSTREAM-SOURCE-0000000000 (topics: [{query.topic.name}])")
    for place, node in enumerate(nodes):
        lines.append(f"      --> {node}")
        sink = query.sink and place == len(nodes) - 1
        lines.append(
            f"    Sink: {node} (topic: {query.sink.topic.name})"
            if sink
            else f"    Processor: {node} (stores: [])"
        )
    return "\n".join([*lines, "      --> none", "", ""])


def _execution_plan(query):
    def schema(columns):
        return ", ".join(f"{one.name} {one.type.ddl}{' KEY' if one.key else ''}" for one in columns)

    plan = query.plan
    columns = [Column(one.name, one.type) for one in plan.columns]
    result = [*plan.keys, *(plan.values if query.persistent else columns)]
    steps = [("PROJECT", result, "Project"), ("SOURCE", plan.source.columns, "KsqlTopic.Source")]
    if query.sink:
        steps.insert(0, ("SINK", result, query.sink.name))
    if plan.grouped:
        steps.insert(-1, ("AGGREGATE", result, "Aggregate.Aggregate"))
    return "".join(
        "\t\t" * depth + f" > [ {name} ] | Schema: {schema(columns)} | Logger: {query.id}.{logger}\n"
        for depth, (name, columns, logger) in enumerate(steps)
    )
