"""What ksqlDB's entities are shown as: tables, pages of text, lines."""

import json
import random

import pytest
from ksqldb import recordings

from streammagic.engines.ksqldb import entities
from streammagic.engines.ksqldb.entities import rendered
from streammagic.results.handle import _preformatted


def all_entities():
    """Yield (label, entity) of everything that the recorded server answered on /ksql."""
    for path in sorted((recordings.SHARED / "wire").glob("*.json")):
        for one in recordings.recorded(path.stem):
            if one.request.path == "/ksql" and one.answer.status.startswith("200"):
                for entity in json.loads(one.answer.body):
                    yield f"{path.stem}: {one.label}", entity


def recorded_entity(name, label):
    return json.loads(recordings.labelled(name, label).answer.body)[0]


def page(answer):
    """Return the text of an answer that is shown as one page."""
    (row,) = answer.rows
    assert _preformatted(answer.schema, answer.rows) == row[0]
    return row[0]


def section(text, heading):
    """Return the lines below a heading of a page, without their indentation."""
    lines = text.split("\n")
    start = lines.index(heading) + 1
    end = next(i for i in range(start, len(lines)) if not lines[i].startswith("  "))
    return [line[2:] for line in lines[start:end]]


def records(answer):
    return [dict(zip(answer.schema.names, answer.schema.decode(row), strict=True)) for row in answer.rows]


def field(name, kind, **more):
    schema = {"type": kind, "fields": None, "memberSchema": None} | more.pop("schema", {})
    return {"name": name, "schema": schema} | more


def running(name, **more):
    return {
        "id": name,
        "queryString": f"INSERT INTO A\nSELECT *  FROM {name};",
        "sinks": ["A"],
        "sinkKafkaTopics": ["A"],
        "statusCount": {"RUNNING": 1},
        "queryType": "PERSISTENT",
        "state": "RUNNING",
    } | more


def source(**more):
    return {
        "name": "A",
        "type": "TABLE",
        "topic": "a",
        "keyFormat": "KAFKA",
        "valueFormat": "JSON",
        "fields": [field("ID", "STRING", type="KEY"), field("X", "BIGINT")],
        "readQueries": [],
        "writeQueries": [],
        "extended": False,
        "statement": "CREATE TABLE A;",
    } | more


def query(**more):
    return {
        "id": "Q_1",
        "statementText": "SELECT 1;",
        "fields": [],
        "sources": ["A"],
        "sinks": [],
        "topology": "Topologies:\n   Sub-topology: 0\n\n",
        "executionPlan": " > [ SINK ] | Logger: Q_1.A\n\t\t > [ SOURCE ] | Logger: Q_1.B\n",
        "queryType": "PERSISTENT",
        "state": "RUNNING",
    } | more


def command(message, status="SUCCESS"):
    return {
        "@type": "currentStatus",
        "commandStatus": {"status": status, "message": message, "queryId": None},
    }


# recordings


@pytest.mark.usefixtures("shared_ksqldb")
def test_every_recorded_entity_is_known_and_shows_no_json(monkeypatch):
    def unknown(entity):
        pytest.fail(f"not known: {entity['@type']}")

    monkeypatch.setattr(entities, "_fields", unknown)
    count = 0
    for label, entity in all_entities():
        assert entity["@type"] in entities._RENDERERS, label
        answer = rendered(entity)
        count += 1
        for row in answer.rows:
            answer.schema.decode(row)
            assert not any(
                isinstance(cell, str) and cell.lstrip().startswith(('{"', '[{"')) for cell in row
            ), label
            assert not any(isinstance(cell, dict | list) for cell in row), label
        assert all(note and "\n" not in note for note in answer.notes), label
    assert count > 150


@pytest.mark.usefixtures("shared_ksqldb")
def test_nothing_that_is_asked_for_is_lost():
    """Every name, id, topic and type of an answer stands somewhere in what is shown."""
    asked_for = {
        "name",
        "topic",
        "id",
        "keyFormat",
        "valueFormat",
        "category",
        "value",
        "description",
        "kafkaTopic",
    }
    left_out = {"commandStatus", "clusterStatistics", "clusterErrorStats"}  # figures are EXTENDED's

    def leaves(value, key=""):
        if isinstance(value, dict):
            for name in value.keys() - left_out:
                yield from leaves(value[name], name)
        elif isinstance(value, list):
            for inner in value:
                yield from leaves(inner, key)
        elif key in asked_for and isinstance(value, str) and value:
            yield value

    for label, entity in all_entities():
        answer = rendered(entity)
        shown = "\n".join([*answer.notes, *(str(cell) for row in answer.rows for cell in row)])
        explained = entity.get("queryDescription", {}).get("state", "") is None
        for leaf in leaves(entity):
            made_up = explained and leaf == entity["queryDescription"]["id"]
            assert made_up or leaf in shown, (label, leaf)


@pytest.mark.usefixtures("shared_ksqldb")
def test_the_order_of_sets_does_not_depend_on_the_server():
    for label, entity in all_entities():
        for name in (
            "streams",
            "tables",
            "queries",
            "properties",
            "functions",
            "topics",
            "sourceDescriptions",
        ):
            if isinstance(entity.get(name), list) and entity["@type"] != "describe_function":
                mixed = random.Random(1).sample(entity[name], len(entity[name]))
                assert rendered(entity | {name: mixed}).rows == rendered(entity).rows, label


@pytest.mark.usefixtures("shared_ksqldb")
def test_two_explains_of_one_statement_look_the_same():
    first = page(rendered(recorded_entity("16", "EXPLAIN SELECT")))
    second = page(rendered(recorded_entity("16", "two blanks")))
    assert first == second.replace("SELECT  ", "SELECT ")
    assert "transient" not in first


@pytest.mark.usefixtures("shared_ksqldb")
def test_a_recorded_source_is_described_by_its_columns():
    answer = rendered(recorded_entity("15", "DESCRIBE TYPES_S"))
    types = {row["column"]: row["type"] for row in records(answer)}
    assert types["DEC"] == "DECIMAL(10, 4)"
    assert types["AR"] == "ARRAY<INTEGER>"
    assert types["M"] == "MAP<STRING, BIGINT>"
    assert types["ST"].startswith("STRUCT<`A` INTEGER, `b` STRING, ")
    assert answer.notes == ("stream TYPES_S over topic types_t (1 partition), key KAFKA, value JSON",)
    assert records(answer)[0]["key"] == "KEY"


@pytest.mark.usefixtures("shared_ksqldb")
def test_header_columns_and_primary_keys_are_told():
    header = records(rendered(recorded_entity("15", "DESCRIBE HDR")))[-1]
    assert (header["column"], header["key"]) == ("H", "HEADER")
    assert records(rendered(recorded_entity("15", "DESCRIBE USERS")))[0]["key"] == "PRIMARY KEY"


@pytest.mark.usefixtures("shared_ksqldb")
def test_a_described_source_names_its_readers_writers_and_what_is_made_from_it():
    notes = rendered(recorded_entity("15", "DESCRIBE ORDERS")).notes
    assert notes[1].startswith("read by CSAS_BIG2_11, CSAS_BIG_ORDERS_9, CTAS_ITEM_COUNT_13, ")
    assert notes[2] == "made from it: BIG2, BIG_ORDERS, ITEM_COUNT, ITEM_HOP, ITEM_SES, ITEM_WIN"
    assert rendered(recorded_entity("15", "DESCRIBE ITEM_COUNT")).notes[1] == "written by CTAS_ITEM_COUNT_13"


@pytest.mark.usefixtures("shared_ksqldb")
def test_an_extended_description_is_a_page_of_sections():
    text = page(rendered(recorded_entity("15", "DESCRIBE ITEM_WIN EXTENDED")))
    assert text.startswith("TABLE ITEM_WIN\n\ntopic         ITEM_WIN (2 partitions)\n")
    assert "windows       TUMBLING" in text
    assert section(text, "columns") == ["ITEM  STRING  PRIMARY KEY", "N     BIGINT"]
    assert section(text, "written by") == ["CTAS_ITEM_WIN_15  RUNNING  by the statement above"]
    assert section(text, "statistics")[0] == "messages-per-sec  0"
    assert "deprecated" not in text
    offsets = [
        line.split() for line in section(text, "consumer group _confluent-ksql-nb_query_CTAS_ITEM_WIN_15")
    ]
    assert offsets[0] == ["topic", "partition", "first", "end", "read", "up", "to", "lag"]
    assert ["orders", "0", "0", "3", "3", "0"] in offsets


@pytest.mark.usefixtures("shared_ksqldb")
def test_records_that_could_not_be_read_are_told():
    text = page(rendered(recorded_entity("44", "DESCRIBE COOKED EXTENDED")))
    assert section(text, "errors")[0].split() == ["consumer-failed-messages", "2"]


@pytest.mark.usefixtures("shared_ksqldb")
def test_a_paused_query_is_listed_as_paused():
    states = {
        row["id"]: row["state"] for row in records(rendered(recorded_entity("20", "LIST QUERIES while")))
    }
    assert states.pop("CSAS_PRT_33") == "PAUSED"
    assert set(states.values()) == {"RUNNING"}


@pytest.mark.usefixtures("shared_ksqldb")
def test_overridden_properties_are_marked():
    found = records(rendered(recorded_entity("14", "SHOW PROPERTIES with overrides")))
    overridden = {row["name"]: row["value"] for row in found if row["overridden"] is True}
    assert overridden == {
        "ksql.streams.auto.offset.reset": "earliest",
        "ksql.streams.num.stream.threads": "2",
    }


@pytest.mark.usefixtures("shared_ksqldb")
def test_a_function_shows_each_way_to_call_it():
    text = page(rendered(recorded_entity("15", "DESCRIBE FUNCTION SUBSTRING")))
    ways = [line for line in section(text, "called as") if not line.startswith(" ")]
    assert "SUBSTRING(str VARCHAR, pos INT, length INT) → VARCHAR" in ways
    assert len(ways) == 4
    assert "str     The source string." in text


# written here


@pytest.mark.parametrize(
    ("message", "note"),
    [
        ("Created query with ID CSAS_B_5", "a query fills it"),
        ("Stream created", None),
        ("Table created", None),
        ("Query terminated.", None),
        ("Stream A altered.", None),
        ("Dropped type 'T'", None),
        ("Source `A` (topic: a) was dropped.", "dropped A, which was over topic a"),
        ("Source `A` does not exist.", "there is no A, nothing was dropped"),
        (
            "Registered custom type with name 'T' and SQL type STRUCT<`A` INTEGER>",
            "T stands for STRUCT<`A` INTEGER>",
        ),
        ("T is already registered with type INTEGER", "there is a type T already: INTEGER"),
        ("Something new happened", "Something new happened"),
    ],
)
def test_a_command_says_what_ok_does_not_say(message, note):
    answer = rendered(command(message))
    assert answer.notes == ((note,) if note else ())
    assert not answer.schema.columns
    assert not answer.rows


def test_a_command_that_waits_or_failed_says_so():
    assert rendered(command("Statement written to command topic", "QUEUED")).notes == (
        "not carried out yet (queued)",
    )
    failed = command("io.confluent.ksql.util.KsqlException: No such thing\n\tat a.b.C(C.java:1)", "ERROR")
    assert rendered(failed).notes == ("failed: No such thing.",)


def test_warnings_of_any_entity_are_notes():
    entity = {
        "@type": "streams",
        "streams": [],
        "warnings": [{"message": "the command runner is degraded"}, {}],
    }
    answer = rendered(entity)
    assert answer.notes == ("the command runner is degraded",)
    assert answer.schema.names == ("name", "topic", "key format", "value format", "windowed")


def test_sources_of_an_old_server_have_their_one_format():
    old = {"@type": "streams", "streams": [{"type": "STREAM", "name": "A", "topic": "a", "format": "JSON"}]}
    assert records(rendered(old)) == [
        {"name": "A", "topic": "a", "key format": None, "value format": "JSON", "windowed": None}
    ]


def test_mixed_states_are_counted():
    listed = {
        "@type": "queries",
        "queries": [
            running("B", statusCount={"RUNNING": 1, "PAUSED": 1}),
            running("A", statusCount={"ERROR": 2}, sinkKafkaTopics=["topic_a"]),
            running("C", statusCount=None),
        ],
    }
    found = records(rendered(listed))
    assert [row["state"] for row in found] == ["ERROR", "1 PAUSED, 1 RUNNING", "RUNNING"]
    assert found[0]["sink"] == "A (topic topic_a)"
    assert found[0]["query"] == "INSERT INTO A SELECT * FROM A;"


def test_a_windowed_source_tells_of_its_further_columns_and_its_time():
    described = source(
        windowType="TUMBLING", timestamp="TS", writeQueries=[running("Q", statusCount={"PAUSED": 1})]
    )
    assert rendered({"@type": "sourceDescription", "sourceDescription": described}).notes == (
        "table A over topic a, key KAFKA, value JSON",
        "TUMBLING windows: WINDOWSTART and WINDOWEND are columns too",
        "its time is that of column TS",
        "written by Q (PAUSED)",
    )


def test_several_sources_are_one_table_with_their_names():
    answer = rendered(
        {"@type": "source_descriptions", "sourceDescriptions": [source(name="B", topic="b"), source()]}
    )
    assert answer.rows == [
        ["A", "ID", "STRING", "PRIMARY KEY"],
        ["A", "X", "BIGINT", ""],
        ["B", "ID", "STRING", "PRIMARY KEY"],
        ["B", "X", "BIGINT", ""],
    ]
    assert answer.notes == (
        "table A over topic a, key KAFKA, value JSON",
        "table B over topic b, key KAFKA, value JSON",
    )


def test_a_named_header_keeps_its_name():
    described = source(type="STREAM", fields=[field("H", "BYTES", type="HEADER", headerKey="abc")])
    answer = rendered({"@type": "sourceDescription", "sourceDescription": described})
    assert answer.rows == [["H", "BYTES", "HEADER('abc')"]]


def test_lag_is_what_is_not_yet_read():
    offsets = [
        {"partition": 1, "logStartOffset": 0, "logEndOffset": 10, "consumerOffset": 4},
        {"partition": 0, "logStartOffset": 2, "logEndOffset": 9, "consumerOffset": 9},
    ]
    groups = [{"groupId": "g", "topicSummaries": [{"kafkaTopic": "a", "offsets": offsets}]}]
    described = source(extended=True, queryOffsetSummaries=groups)
    text = page(rendered({"@type": "sourceDescription", "sourceDescription": described}))
    assert [line.split() for line in section(text, "consumer group g")[1:]] == [
        ["a", "0", "2", "9", "9", "0"],
        ["a", "1", "0", "10", "4", "6"],
    ]


def test_statistics_are_told_by_host_where_there_are_several():
    by_host = [
        {"name": "total-messages", "host": host, "value": 4.0, "timestamp": 1}
        for host in ("b:8088", "a:8088")
    ]
    described = source(extended=True, statistics="total-messages:  8", clusterStatistics=by_host)
    text = page(rendered({"@type": "sourceDescription", "sourceDescription": described}))
    assert section(text, "statistics") == [
        "total-messages  8",
        "total-messages  a:8088  4",
        "total-messages  b:8088  4",
    ]


def test_an_explained_query_begins_with_its_errors_and_ends_with_its_topology():
    failed = [
        {"timestamp": 1000, "type": "USER", "errorMessage": "older"},
        {"timestamp": 2000, "type": "SYSTEM", "errorMessage": "newer\nand more"},
    ]
    described = query(queryErrors=failed, ksqlHostQueryStatus={"b:1": "ERROR", "a:1": "RUNNING"})
    text = page(rendered({"@type": "queryDescription", "queryDescription": described}))
    assert text.startswith("query Q_1\n\nerrors, newest first\n")
    assert section(text, "errors, newest first") == [
        "1970-01-01 00:00:02 UTC  SYSTEM  newer",
        "  and more",
        "1970-01-01 00:00:01 UTC  USER  older",
    ]
    assert "a:1 RUNNING, b:1 ERROR" in text
    assert text.index("\nplan\n") < text.index("\ntopology\n")
    assert section(text, "plan") == ["> [ SINK ] | Logger: Q_1.A", "  > [ SOURCE ] | Logger: Q_1.B"]


def test_an_explained_statement_tells_nothing_that_is_made_up():
    described = query(state=None, consumerGroupId="g_17", queryType="PUSH")
    text = page(rendered({"@type": "queryDescription", "queryDescription": described}))
    assert text.startswith("query, not running\n")
    assert not any(word in text for word in ("Q_1", "g_17", "PUSH"))
    assert "Logger: B" in text


def test_several_queries_are_one_page_sorted_by_id():
    answer = rendered({"@type": "query_descriptions", "queryDescriptions": [query(id="B"), query(id="A")]})
    text = page(answer)
    assert text.index("query A\n") < text.index("query B\n")
    assert rendered({"@type": "query_descriptions", "queryDescriptions": []}).rows == []


def test_variadic_arguments_are_marked():
    way = {
        "arguments": [
            {"name": "a", "type": "INT", "description": "", "isVariadic": False},
            {"name": "", "type": "VARCHAR", "description": "", "isVariadic": True},
        ],
        "returnType": "INT",
        "description": "",
    }
    described = {
        "@type": "describe_function",
        "name": "F",
        "type": "SCALAR",
        "path": "/x.jar",
        "functions": [way],
    }
    text = page(rendered(described))
    assert section(text + "\n", "called as") == ["F(a INT, VARCHAR...) → INT"]
    assert "jar  /x.jar" in text


def test_replicas_that_differ_by_partition_are_told():
    answer = rendered({"@type": "kafka_topics", "topics": [{"name": "a", "replicaInfo": [3, 2]}]})
    assert records(answer) == [{"name": "a", "partitions": 2, "replicas": 2}]
    assert answer.notes == ("replicas of a by partition: 3, 2",)


def test_properties_of_an_old_server_are_an_object():
    old = {"@type": "properties", "properties": {"b": "2", "a": 1}, "overwrittenProperties": ["b"]}
    assert [(row["name"], row["value"], row["overridden"]) for row in records(rendered(old))] == [
        ("a", "1", False),
        ("b", "2", True),
    ]


@pytest.mark.parametrize(
    ("entity", "note"),
    [
        (
            {
                "@type": "warning_entity",
                "message": "Cannot add stream `A`: A table with the same name already exists.",
            },
            "there is a table A already",
        ),
        (
            {"@type": "warning_entity", "message": "Cannot undefine variable 'v'"},
            "Cannot undefine variable 'v'",
        ),
        (
            {
                "@type": "terminate_query",
                "statementText": "TERMINATE transient_A_1;",
                "queryId": "TRANSIENT_A_1",
                "wasTerminated": True,
            },
            "ended transient_A_1",
        ),
        ({"@type": "terminate_query", "queryId": "X", "wasTerminated": False}, "X was not ended"),
        ({"@type": "assert_topic", "topicName": "a", "exists": True}, "the topic a exists"),
        ({"@type": "assert_topic", "topicName": "a", "exists": False}, "there is no topic a"),
        (
            {"@type": "assert_schema", "subject": "s", "id": 3, "exists": True},
            "the schema of subject s with id 3 exists",
        ),
        (
            {"@type": "assert_schema", "subject": None, "id": 3, "exists": False},
            "there is no schema with id 3",
        ),
        (
            {
                "@type": "connector_info",
                "info": {"name": "c", "type": "source", "tasks": [{"task": 0}, {"task": 1}]},
            },
            "created source connector c, 2 tasks",
        ),
        (
            {"@type": "connector_info", "info": {"name": "c", "type": None, "tasks": []}},
            "created connector c",
        ),
        ({"@type": "drop_connector", "connectorName": "c"}, "dropped connector c"),
        ({"@type": "error_entity", "errorMessage": "a.b.CException: no connect"}, "failed: no connect."),
    ],
)
def test_answers_of_one_fact_are_one_note(entity, note):
    answer = rendered(entity)
    assert answer.notes == (note,)
    assert not answer.schema.columns


def test_connectors_and_plugins_are_tables():
    listed = {
        "@type": "connector_list",
        "connectors": [
            {"name": "b", "type": "sink", "className": "x.B", "state": "RUNNING (1/1 tasks RUNNING)"},
            {"name": "a", "type": "source", "className": "x.A", "state": "FAILED"},
        ],
    }
    assert [row["name"] for row in records(rendered(listed))] == ["a", "b"]
    plugins = {
        "@type": "connector_plugins_list",
        "connectorsPlugins": [{"className": "x.A", "type": "sink", "version": "1"}],
    }
    assert records(rendered(plugins)) == [{"class": "x.A", "type": "sink", "version": "1"}]


def test_a_connector_is_a_page_that_begins_with_its_traces():
    described = {
        "@type": "connector_description",
        "connectorClass": "x.A",
        "status": {
            "name": "c",
            "type": "SOURCE",
            "connector": {"state": "RUNNING", "worker_id": "w:1"},
            "tasks": [{"id": 0, "state": "FAILED", "worker_id": "w:1", "trace": "x.Boom: no\n\tat y"}],
        },
        "sources": [source()],
        "topics": ["t"],
    }
    text = page(rendered(described))
    assert text.startswith("connector c\n\nerrors\n  x.Boom: no\n")
    assert section(text, "state") == ["connector  RUNNING  w:1", "task 0     FAILED   w:1"]
    assert section(text, "topics") == ["t"]
    assert "TABLE A over a" in text


def test_an_execution_plan_of_an_old_server_is_a_page():
    plan = {"@type": "executionPlan", "executionPlan": " > [ SINK ]\n\t\t > [ SOURCE ]\n"}
    assert page(rendered(plan)) == "> [ SINK ]\n  > [ SOURCE ]\n"


def test_what_is_not_known_is_a_table_of_its_fields():
    entity = {
        "@type": "novelty",
        "statementText": "DO IT;",
        "name": "x",
        "count": 3,
        "flag": True,
        "nothing": None,
        "list": [{"a": 1}],
        "warnings": [{"message": "take care"}],
    }
    answer = rendered(entity)
    assert answer.rows == [
        ["name", "x"],
        ["count", "3"],
        ["flag", "true"],
        ["nothing", None],
        ["list", '[{"a":1}]'],
    ]
    assert answer.notes == ("take care",)


@pytest.mark.parametrize("kind", sorted(entities._RENDERERS))
@pytest.mark.parametrize(
    "filling", [{}, {"name": "x"}, {"streams": 7, "topics": [{}], "commandStatus": None}]
)
def test_a_known_entity_of_another_shape_is_shown_all_the_same(kind, filling):
    answer = rendered({"@type": kind, **filling})
    assert all(len(row) == len(answer.schema.columns) for row in answer.rows)
