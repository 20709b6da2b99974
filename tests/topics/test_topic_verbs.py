"""The verbs of ``%stream`` about topics, at a desk that keeps what is shown."""

import contextlib
import re

import pandas as pd
import pytest

from streammagic.config import StreamMagic
from streammagic.errors import OptionError
from streammagic.magics.options import OptionParser
from streammagic.magics.topics import TopicVerbs
from streammagic.topics import count_committed, send

pytestmark = pytest.mark.kafka


class Desk:
    def __init__(self, kafka, mode="live"):
        self.config = StreamMagic()
        self.namespace = {}
        self.shown = []
        self.ran = []
        self.said = []
        self._kafka = kafka
        self._mode = mode
        self._parser = OptionParser("%stream")
        self._verbs = self._parser.add_subparsers(parser_class=OptionParser)
        TopicVerbs(self).add_to(self)

    def add(self, name, description, run, *, body=False):
        parser = self._verbs.add_parser(name, description=description)
        parser.set_defaults(run=run, takes_body=body)
        return parser

    def stream(self, line, body=None):
        options = self._parser.read(line)
        assert options.takes_body or body is None
        options.body = body
        return options.run(options)

    def kafka(self):
        return self._kafka

    def mode(self):
        return self._mode

    def show(self, bundle):
        assert "<script" not in bundle["text/html"]
        self.shown.append(bundle["text/plain"])

    @contextlib.contextmanager
    def progress(self):
        yield self

    def say(self, text):
        self.said.append(text)

    def run_sql(self, engine, sql):
        self.ran.append((engine, sql))

    def returning(self, frame, bundle):
        self.show(bundle)
        return frame


@pytest.fixture
def desk(kafka):
    return Desk(kafka)


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_topics_are_listed(desk, broker, topic):
    send(broker, topic, ["x"] * 1_234)
    desk.config.max_rows = 1_000
    frame = desk.stream("topics")
    assert f"{topic} │ 1 │ 1,234" in lines(desk.shown[0])
    assert desk.shown[0].startswith("messages is an upper bound")
    assert frame.set_index("topic").loc[topic].to_dict() == {
        "partitions": 1,
        "messages": 1_234,
        "internal": False,
    }
    assert "internal" in lines(desk.stream("topics --all") is not None and desk.shown[1])[1]


def test_as_many_topics_are_shown_as_rows_of_a_table(desk, broker, topic):
    other = f"{topic}x"
    broker.create(other)
    desk.config.max_rows = 1
    frame = desk.stream("topics")
    assert lines(desk.shown[0])[-1] == f"… {len(frame) - 1} more row{'s' if len(frame) > 2 else ''}"
    broker.delete([other])


def test_records_are_shown_and_returned(desk, broker, topic):
    send(broker, topic, [{"k": "a", "v": 1}, {"k": "<script>", "v": 2}], key="k", headers={"h": "x"})
    frame = desk.stream(f"peek {topic}")
    status, head, _, *rows = lines(desk.shown[0])
    assert status == f"{topic}: last records"
    assert head == "partition │ offset │ timestamp │ key │ value │ headers"
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(rf'0 │ 0 │ {time} │ a │ {{"k":"a","v":1}} │ h=x', rows[0])
    assert list(frame["key"]) == ["a", "<script>"]
    assert list(frame["headers"]) == [[("h", "x")]] * 2
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "partition": "int64",
        "offset": "int64",
        "timestamp": "datetime64[ms, UTC]",
        "key": "str",
        "value": "str",
        "headers": "object",
    }


def test_the_first_records_are_shown_on_demand(desk, broker, topic):
    send(broker, topic, [str(number) for number in range(20)])
    assert list(desk.stream(f"peek {topic} --from earliest --limit 3")["value"]) == ["0", "1", "2"]
    assert list(desk.stream(f"peek {topic} --limit 2")["value"]) == ["18", "19"]
    assert lines(desk.shown[0])[0] == f"{topic}: first records"
    assert "headers" not in desk.shown[0]


def test_of_very_many_records_some_are_shown_and_all_returned(desk, broker, topic):
    send(broker, topic, [str(number) for number in range(300)])
    assert len(desk.stream(f"peek {topic} --limit 250")) == 250
    assert lines(desk.shown[0])[1] == "… 50 earlier rows"
    assert lines(desk.shown[0])[-1].endswith("│ 299")
    assert len(desk.stream(f"peek {topic} --from earliest --limit 250")) == 250
    assert lines(desk.shown[1])[-2:][0].endswith("│ 199")
    assert lines(desk.shown[1])[-1] == "… 50 more rows"


def test_in_batch_no_clock_is_shown(kafka, broker, topic):
    desk = Desk(kafka, "batch")
    send(broker, topic, ["x"])
    frame = desk.stream(f"peek {topic}")
    assert lines(desk.shown[0])[1] == "partition │ offset │ key │ value"
    assert frame["timestamp"][0].tz is not None


def test_a_tombstone_is_null_and_an_empty_topic_has_no_rows(desk, topic):
    frame = desk.stream(f"peek {topic}")
    assert len(frame) == 0
    assert lines(desk.shown[0])[-1] == "no rows"


def test_a_table_is_written_and_only_made_on_demand(desk, broker, topic):
    send(broker, topic, [{"id": 1}])
    desk.stream(f"table {topic}")
    assert desk.shown[0].startswith(f"CREATE TABLE {topic} (\n  id BIGINT,\n")
    assert "'properties.bootstrap.servers' = {{ kafka }}," in desk.shown[0]
    assert desk.ran == []
    desk.stream(f"table {topic} --name my.order --yes")
    ((engine, sql),) = desk.ran
    assert (engine, sql) == ("flink", desk.shown[1])
    assert sql.startswith("CREATE TABLE my.`order` (")
    assert desk.shown[2] == "CREATE TABLE my.`order`: OK"


def test_a_table_is_learnt_from_first_and_last_records(desk, broker, topic):
    send(broker, topic, [{"first": 1}, *[{"middle": 1}] * 100, {"last": 1}])
    for sample, names in ((3, ["first", "middle", "last"]), (2, ["first", "last"]), (1, ["last"])):
        desk.stream(f"table {topic} --sample {sample}")
        text = desk.shown[-1]
        assert [name for name in ("first", "middle", "last") if f"  {name} BIGINT" in text] == names


def test_a_schema_of_the_registry_comes_before_the_sample(desk, broker, topic, registry):
    send(broker, topic, ['{"id":1}'])
    desk.config.schema_registry = registry.url
    desk.stream(f"table {topic}")
    assert "  id BIGINT" in desk.shown[0]
    registry.register(f"{topic}-value", {"properties": {"other": {"type": "string"}}}, "JSON")
    desk.stream(f"table {topic}")
    assert "  other STRING" in desk.shown[1]


def test_other_brokers_are_named_in_the_table(kafka, broker, topic):
    desk = Desk("127.0.0.1:1")
    send(broker, topic, ['{"id":1}'])
    desk.stream(f"table {topic} --bootstrap {kafka}")
    assert f"'properties.bootstrap.servers' = '{kafka}'," in desk.shown[0]


def test_a_variable_is_sent(desk, topic):
    desk.namespace["rows"] = pd.DataFrame({"id": [1, 2]})
    desk.stream(f"send {topic} rows --key id")
    assert desk.shown == [f"2 messages sent to {topic}"]
    assert list(desk.stream(f"peek {topic}")["key"]) == ["1", "2"]


def test_the_lines_of_a_cell_are_sent(desk, topic):
    desk.stream(f"send {topic} --key k", '{"k": "x", "v":  1.50}\n\n   \n{"k": "y"}\n')
    frame = desk.stream(f"peek {topic}")
    assert list(zip(frame["key"], frame["value"], strict=True)) == [
        ("x", '{"k": "x", "v":  1.50}'),
        ("y", '{"k": "y"}'),
    ]


@pytest.mark.parametrize(
    ("mode", "said"), [("live", "1 message sent to {}, a new topic"), ("batch", "1 message sent to {}")]
)
def test_a_topic_that_is_not_there_is_made(kafka, broker, topic, mode, said):
    desk, name = Desk(kafka, mode), f"{topic}x"
    desk.stream(f"send {name}", "x")
    assert desk.shown == [said.format(name)]
    assert count_committed(broker, name) == 1
    broker.delete([name])


def test_what_cant_be_sent_makes_no_topic(desk, broker, topic):
    desk.namespace["number"] = 5
    with pytest.raises(OptionError, match="A int can't be sent"):
        desk.stream(f"send {topic}x number")
    assert f"{topic}x" not in broker.names()


@pytest.mark.parametrize(
    ("line", "body", "message", "hint"),
    [
        ("send t", None, "There is nothing to send.", "%%stream send t"),
        ("send t rows", "x", "rows and the text in the cell can't both be sent.", "%stream send t rows"),
        ("send t rosw", None, "There is no variable rosw.", "Did you mean rows?"),
        ("send t zzzzzz", None, "There is no variable zzzzzz.", "Name a variable"),
        ("peek", None, "%stream peek: the following arguments are required: TOPIC", "--help"),
        (
            "peek t --limit 0",
            None,
            "%stream peek: argument --limit: 0 is not a positive whole number",
            "--help",
        ),
        ("peek t --from now", None, "%stream peek: argument --from: invalid choice: 'now'", "--help"),
    ],
)
def test_what_does_not_fit_is_said(desk, line, body, message, hint):
    desk.namespace["rows"] = []
    with pytest.raises(OptionError) as caught:
        desk.stream(line, body)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_a_topic_without_records_teaches_no_columns(desk, topic):
    with pytest.raises(OptionError, match="no record to learn the columns from"):
        desk.stream(f"table {topic}")
