import json
import random
from decimal import Decimal
from itertools import pairwise

import orjson
import pytest
from ksqldb import recordings

from streammagic.engines.ksqldb.wire import (
    Failure,
    Final,
    Format,
    Header,
    IncompleteError,
    MalformedError,
    Parser,
    Rows,
)

V1, DELIMITED, JSON = Format
HEADER = {
    V1: '{"header":{"queryId":"q","schema":"`A` INTEGER, `B` STRING"}}',
    DELIMITED: '{"queryId":"q","columnNames":["A","B"],"columnTypes":["INTEGER","STRING"]}',
    JSON: '{"queryId":"q","columnNames":["A","B"],"columnTypes":["INTEGER","STRING"]}',
}


def pieces(body, size):
    return [body[at : at + size] for at in range(0, len(body), size)]


def random_pieces(body, chance):
    borders = sorted({0, len(body), *(chance.randrange(len(body) + 1) for _ in range(1 + len(body) // 40))})
    return [body[a:b] for a, b in pairwise(borders)]


def events_of(parser, chunks):
    """Return all events; consecutive rows are put together, for how they come depends on the chunks."""
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    events += parser.finish()
    joined = []
    for event in events:
        if not isinstance(event, Rows):
            joined.append(event)
        elif joined and isinstance(joined[-1], Rows):
            joined[-1].rows.extend(event.rows)
            joined[-1].tombstones.extend(marks(event))
        else:
            joined.append(Rows(list(event.rows), marks(event)))
    return joined


def marks(event):
    return event.tombstones or [False] * len(event.rows)


def parsed(form, *chunks):
    return events_of(
        Parser(form), [chunk if isinstance(chunk, bytes) else chunk.encode() for chunk in chunks]
    )


def comparable(events):
    """Return events without functions in them: a column is its name and its type."""
    return [
        (event.query_id, [(one.name, one.type) for one in event.columns])
        if isinstance(event, Header)
        else event
        for event in events
    ]


def rows_of(events):
    return [row for event in events if isinstance(event, Rows) for row in event.rows]


def living(events):
    return [
        row
        for event in events
        if isinstance(event, Rows)
        for row, dead in zip(event.rows, marks(event), strict=True)
        if not dead
    ]


# --- what a real server sent ---


def form_of(number, asked):
    """Return the format of a streamed answer, as section 4 of the protocol tells it from the request."""
    old, accept = asked.path == "/query", asked.accept
    if accept is None or accept == "*/*":
        return V1 if old and (accept is None or number == "59") else DELIMITED
    if "q=" in accept:
        return V1
    return V1 if old and accept == JSON else Format(accept)


def streamed():
    """Return (number, exchange, format) of every streamed result; PRINT and protobuf have formats of their own."""
    if not recordings.available():
        return []
    numbers = [path.name.split("_")[0] for path in sorted((recordings.SHARED / "wire").glob("*.json"))]
    return [
        (number, one, form_of(number, one.request))
        for number in numbers
        if number in ("11", "12", "18") or number >= "30"
        for one in recordings.recorded(number)
        if one.request.path in ("/query", "/query-stream")
        and one.answer.status.startswith("200")
        and "PRINT" not in (one.request.sql or "")
        and "protobuf" not in (one.request.accept or "")
    ]


STREAMED = streamed()


def naively(body, form, ended):
    """Return the rows of a recorded answer, read as a whole and with little care; DECIMALs as floats."""
    text = body.decode().strip()
    match form:
        case Format.V1:
            text = "[" + text.removeprefix("[").removesuffix("]").rstrip(",\n") + "]"
            return [one["row"]["columns"] for one in json.loads(text) if "row" in one]
        case Format.DELIMITED:
            elements = map(json.loads, text.split("\n"))
        case Format.JSON:
            elements = json.loads(text if ended else text + "]")
    return [one for one in elements if isinstance(one, list)]


def inexact(value):
    match value:
        case Decimal():
            return float(value)
        case list():
            return [inexact(one) for one in value]
        case dict():
            return {key: inexact(one) for key, one in value.items()}
        case _:
            return value


@pytest.mark.parametrize(
    ("number", "exchange", "form"),
    [pytest.param(*one, id=f"{one[0]}-{one[2].name}-{n}") for n, one in enumerate(STREAMED)],
)
def test_a_recorded_answer_gives_the_same_events_in_whatever_pieces(number, exchange, form):
    body, ended = exchange.answer.body, exchange.answer.end == "last-chunk"
    parser = Parser(form)
    whole = comparable(events_of(parser, [body]))
    ways = [
        [data for _, data in exchange.answer.chunks],
        pieces(body, 1),
        pieces(body, 7),
        pieces(body, 65536),
    ]
    ways += [random_pieces(body, random.Random(f"{number} {seed}")) for seed in range(3)]
    for way in ways:
        again = Parser(form)
        assert comparable(events_of(again, way)) == whole
        assert again.closed == parser.closed
    assert parser.header_seen
    query_id, columns = whole[0]
    assert query_id.startswith(("transient_", "query_"))
    assert inexact(rows_of(whole)) == naively(body, form, ended)
    assert all(len(row) == len(columns) for row in rows_of(whole))
    assert parser.closed == (ended and form is not DELIMITED)
    if form is V1 and ended and query_id.startswith("transient_"):
        assert isinstance(whole[-1], Final | Failure)


def test_all_formats_are_among_the_recorded_answers(shared_ksqldb):  # noqa: ARG001
    forms = [form for _, _, form in STREAMED]
    assert forms.count(V1) >= 93
    assert forms.count(DELIMITED) >= 29
    assert forms.count(JSON) >= 40


def alike():
    """Return the recorded answers to the same query in V1 and in other formats, by recording and query."""
    found = {}
    for number, one, form in STREAMED:
        found.setdefault((number, one.request.sql), {}).setdefault(form, []).append(one.answer)
    return {key: answers for key, answers in found.items() if V1 in answers and len(answers) > 1}


def test_the_same_query_has_the_same_rows_in_every_format_but_for_tombstones(shared_ksqldb):  # noqa: ARG001
    compared = []
    for (number, sql), answers in alike().items():
        first, *others = ((form, parsed(form, answer.body)) for form in answers for answer in answers[form])
        expected = (comparable(first[1])[0][1], sorted(living(first[1]), key=str))
        assert first[0] is V1
        for form, events in others:
            rows = living(events) if form is V1 else rows_of(events)
            assert (comparable(events)[0][1], sorted(rows, key=str)) == expected, (number, sql, form)
            compared.append(form)
    assert compared.count(DELIMITED) >= 15
    assert compared.count(JSON) >= 10


def test_tombstones_are_told_in_v1(shared_ksqldb):  # noqa: ARG001
    body = recordings.labelled("40", "push on table application/vnd.ksql.v1+json").answer.body
    (_, rows) = parsed(V1, body)
    assert [row for row, dead in zip(rows.rows, rows.tombstones, strict=True) if dead] == [["u2", None, None]]


def test_a_killed_server_leaves_the_body_open(shared_ksqldb):  # noqa: ARG001
    for one in recordings.recorded("51"):
        if one.answer.end == "cut":
            parser = Parser(form_of("51", one.request))
            assert [type(event) for event in events_of(parser, [one.answer.body])] == [Header]
            assert not parser.closed


def test_protobuf_is_refused(shared_ksqldb):  # noqa: ARG001
    answers = [one.answer for one in recordings.recorded("36") if "protobuf" in (one.request.accept or "")]
    assert answers
    for answer in answers:
        with pytest.raises((MalformedError, IncompleteError)):
            parsed(V1, answer.body)


def test_printed_text_is_refused(shared_ksqldb):  # noqa: ARG001
    body = recordings.labelled("42", "/query-stream PRINT LIMIT 2").answer.body
    with pytest.raises(MalformedError, match="rowtime"):
        parsed(DELIMITED, body)


# --- traps ---


def test_rows_that_come_together_are_one_event_and_none_comes_late():
    parser = Parser(V1)
    (header,) = parser.feed(f"[{HEADER[V1]},\n".encode())
    assert isinstance(header, Header)
    assert [one.name for one in header.columns] == ["A", "B"]
    assert parser.feed(b'{"row":{"columns":[1,"a"]}},\n{"row":{"columns":[2,"b"]}},\n') == [
        Rows([[1, "a"], [2, "b"]])
    ]
    assert parser.feed(b'{"row":{"columns":[3,"c"]}},\n') == [Rows([[3, "c"]])]
    assert parser.feed(b'{"finalMessage":"Limit Reached"}') == []
    assert parser.feed(b"]") == []
    assert parser.finish() == [Final("Limit Reached")]
    assert parser.closed


def test_a_row_of_the_delimited_format_comes_with_its_line():
    parser = Parser(DELIMITED)
    assert [type(one) for one in parser.feed(f'{HEADER[DELIMITED]}\n[1,"a"]\n[2'.encode())] == [Header, Rows]
    assert parser.feed(b',"b"]\n[3,"c"]') == [Rows([[2, "b"]])]
    assert parser.finish() == [Rows([[3, "c"]])]


def test_a_row_of_the_json_format_comes_with_its_bracket():
    parser = Parser(JSON)
    assert [type(one) for one in parser.feed(f"[{HEADER[JSON]}".encode())] == [Header]
    assert parser.feed(b",[1,") == []
    assert parser.feed(b'"]"],[2,"b"]') == [Rows([[1, "]"], [2, "b"]])]
    assert not parser.closed
    assert parser.feed(b"]") == []
    assert parser.closed
    assert parser.finish() == []


@pytest.mark.parametrize("opening", ["[", "[\n", "\n[", "[\n\n\n", " [ "])
@pytest.mark.parametrize("between", [",\n", ",\n\n\n", "\n,\n", ",\r\n", "\n"])
@pytest.mark.parametrize("closing", ["]", "\n]", ",\n]", "]\n", ",\n\n]\n\n", "", "\n"])
def test_brackets_commas_and_heartbeats_may_stand_anywhere(opening, between, closing):
    elements = [
        HEADER[V1],
        '{"row":{"columns":[1,"a"]}}',
        '{"row":{"columns":[2,"b"]}}',
        '{"finalMessage":"x"}',
    ]
    body = (opening + between.join(elements) + closing).encode()
    for way in ([body], pieces(body, 1), pieces(body, 5)):
        parser = Parser(V1)
        assert events_of(parser, way)[1:] == [Rows([[1, "a"], [2, "b"]], [False, False]), Final("x")]
        assert parser.closed == ("]" in closing)


def test_heartbeats_alone_say_nothing():
    parser = Parser(V1)
    parser.feed(f"[{HEADER[V1]},\n".encode())
    assert [parser.feed(b"\n") for _ in range(5)] == [[]] * 5
    assert parser.finish() == []
    assert not parser.closed


ERROR = '{"@type":"generic_error","error_code":42900,"message":"boom\\nCaused by: \\"x\\""}'


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (V1, f'[{HEADER[V1]},\n{{"errorMessage":{ERROR}}},\n]'),
        (V1, f'[{HEADER[V1]},\n{{"errorMessage":{ERROR}}}]'),
        (V1, f'[{HEADER[V1]},\n{{"errorMessage":{ERROR}}}\n'),
        (V1, f'[{HEADER[V1]},\n{{"row":null,"errorMessage":{ERROR},"finalMessage":null}}]'),
        (DELIMITED, f"{HEADER[DELIMITED]}\n{ERROR}\n"),
        (JSON, f"[{HEADER[JSON]},{ERROR}]"),
        (JSON, f'[{HEADER[V1]},\n{{"errorMessage":{ERROR}}}]'),
    ],
)
def test_an_error_in_the_stream_is_a_failure(form, body):
    for way in ([body.encode()], pieces(body.encode(), 1)):
        assert parsed(form, *way)[1:] == [Failure(42900, 'boom\nCaused by: "x"')]


@pytest.mark.parametrize("form", [V1, DELIMITED])
def test_an_error_before_the_columns_is_a_failure(form):
    body = f'[{{"errorMessage":{ERROR}}}]' if form is V1 else ERROR
    parser = Parser(form)
    assert events_of(parser, [body.encode()]) == [Failure(42900, 'boom\nCaused by: "x"')]
    assert not parser.header_seen


# Values that read like something else, as texts and, where a column may hold them, as objects.
LOOKALIKES = [
    '{"errorMessage":{"error_code":50000,"message":"x"}}',
    '{"finalMessage":"Limit Reached"}',
    '{"header":{"queryId":"q","schema":"`A` INTEGER"}}',
    '{"row":{"columns":[1]}}',
    '{"queryId":"q","columnNames":[],"columnTypes":[]}',
    '"tombstone":true',
    '{"columns":[null],"tombstone":true}',
    '"tombstone"',
    "]",
    '}},\n{"row":{"columns":[9,9]}},\n',
    "[{",
    '"]}\\',
    '\\"',
    "\\\\",
    "\\ud83d",
]  # fmt: skip


def framed(form, rows, dump=json.dumps):
    """Return a body of that format: two columns."""
    rows = [dump(row) for row in rows]
    match form:
        case Format.V1:
            rows = [f'{{"row":{{"columns":{row}}}}}' for row in rows]
            return ("[" + ",\n".join([HEADER[V1], *rows, '{"finalMessage":"x"}']) + "]").encode()
        case Format.DELIMITED:
            return ("\n".join([HEADER[form], *rows]) + "\n").encode()
        case Format.JSON:
            return ("[" + ",".join([HEADER[form], *rows]) + "]").encode()


@pytest.mark.parametrize("form", Format)
def test_data_that_look_like_the_protocol_are_data(form):
    rows = [[1, text] for text in LOOKALIKES]
    rows += [
        [{text: text, "errorMessage": {}, "row": {"tombstone": True}}, [text, {"columns": []}]]
        for text in LOOKALIKES
    ]
    for body in (framed(form, rows), framed(form, rows, lambda row: json.dumps(row, ensure_ascii=False))):
        for way in ([body], pieces(body, 1), pieces(body, 7), random_pieces(body, random.Random(1))):
            events = parsed(form, *way)
            assert [type(event) for event in events] == [Header, Rows, *([Final] if form is V1 else [])]
            assert events[1] == Rows(rows, [False] * len(rows))


@pytest.mark.parametrize("form", Format)
def test_characters_of_many_bytes_may_be_split_between_pieces(form):
    rows = [[1, "aé€🙂\u2028\x7f"], [2, "🙂" * 5], [3, "\U0010ffff"]]
    body = framed(form, rows, lambda row: json.dumps(row, ensure_ascii=False))
    for cut in range(len(body) + 1):
        assert rows_of(parsed(form, body[:cut], body[cut:])) == rows


@pytest.mark.parametrize("form", Format)
def test_half_a_character_becomes_a_replacement(form):
    """ksqlDB cuts texts between the two halves that Java has of a character beyond 16 bits."""
    rows = [[1, "whole"], [2, "a\ud83d"], [3, "\ude42b🙂"]]
    body = framed(form, rows)
    assert rows_of(parsed(form, body)) == [[1, "whole"], [2, "a\ufffd"], [3, "\ufffdb🙂"]]
    exact = body.replace(b"`B` STRING", b"`B` DECIMAL(3, 1)").replace(b'"STRING"', b'"DECIMAL(3, 1)"')
    assert rows_of(parsed(form, exact)) == [[1, "whole"], [2, "a\ufffd"], [3, "\ufffdb🙂"]]


def test_tombstones_are_marked_among_other_rows():
    lines = [
        HEADER[V1],
        '{"row":{"columns":[1,"a"]}}',
        '{"row":{"columns":[1,null],"tombstone":true}}',
        '{"row":{"columns":[2,"tombstone"],"tombstone":false},"sourceHost":"h:1"}',
    ]
    assert parsed(V1, "[" + ",\n".join(lines) + "]")[1:] == [
        Rows([[1, "a"], [1, None], [2, "tombstone"]], [False, True, False])
    ]
    parser = Parser(V1)
    parser.feed(f"[{HEADER[V1]},\n".encode())
    (rows,) = parser.feed(
        b'{"row":{"columns":[2,"\\"tombstone\\""]}},\n{"row":{"columns":[2,"tombstone"]}},\n'
    )
    assert rows.tombstones is None


def test_rows_of_ksqldb_5_have_nulls_and_no_brackets():
    lines = [
        '{"row":{"columns":[1,"a"]},"errorMessage":null,"finalMessage":null}',
        '{"row":{"columns":[2,"b"]},"errorMessage":null,"finalMessage":null}',
        '{"row":null,"errorMessage":null,"finalMessage":"Limit Reached"}',
    ]
    for body in ("\n".join(lines) + "\n", "\n\n".join(lines), "[" + ",\n".join(lines) + "]"):
        for way in ([body.encode()], pieces(body.encode(), 1)):
            parser = Parser(V1)
            assert events_of(parser, way) == [
                Rows([[1, "a"], [2, "b"]], [False, False]),
                Final("Limit Reached"),
            ]
            assert not parser.header_seen


@pytest.mark.parametrize(
    "token",
    ['{"continuationToken":"AAAA"}', '{"consistencyToken":{"consistencyToken":"x"}}', '{"news":1}', "{}"],
)
@pytest.mark.parametrize("form", Format)
def test_tokens_and_what_is_not_known_are_dropped(form, token):
    body = framed(form, [[1, "a"], [2, "b"]]).replace(b'[2,"b"]', b"X").replace(b'[2, "b"]', b"X")
    body = body.replace(b'{"row":{"columns":X}}' if form is V1 else b"X", token.encode())
    for way in ([body], pieces(body, 1)):
        assert rows_of(parsed(form, *way)) == [[1, "a"]]


@pytest.mark.parametrize("form", Format)
def test_numbers_are_exact(form):
    header = {
        V1: '{"header":{"queryId":"q","schema":"`L` BIGINT, `D` DOUBLE, `P` DECIMAL(38, 10), `S` STRUCT<`P` DECIMAL(4, 2), `D` DOUBLE>"}}',
        DELIMITED: '{"queryId":"q","columnNames":["L","D","P","S"],"columnTypes":["BIGINT","DOUBLE","DECIMAL(38, 10)","STRUCT<`P` DECIMAL(4, 2), `D` DOUBLE>"]}',
    }
    header[JSON] = header[DELIMITED]
    row = '[9223372036854775807,0.1,1234567890123456789012345678.0123456789,{"P":1.50,"D":0.1}]'
    other = '[-9223372036854775808,"NaN",null,null]'
    body = framed(form, [row, other], str).replace(HEADER[form].encode(), header[form].encode())
    for way in ([body], pieces(body, 1), pieces(body, 64)):
        first, second = rows_of(parsed(form, *way))
        assert first == [
            9223372036854775807,
            0.1,
            Decimal("1234567890123456789012345678.0123456789"),
            {"P": Decimal("1.50"), "D": Decimal("0.1")},
        ]
        assert [type(one) for one in first[:3]] == [int, float, Decimal]
        assert second == [-9223372036854775808, "NaN", None, None]


def test_integers_are_exact_without_a_decimal_too():
    body = framed(V1, [[9223372036854775807, 1e300], [-9223372036854775808, 5e-324]])
    assert rows_of(parsed(V1, body)) == [[9223372036854775807, 1e300], [-9223372036854775808, 5e-324]]


# --- ends ---


@pytest.mark.parametrize("form", Format)
def test_a_body_that_breaks_off_gives_what_was_whole_and_says_so(form):
    rows = [[1, 'a"]},{[€'], [{"n": [1, [2, {"k": "]"}]]}, "b"], [3, None]]
    body = framed(form, rows, lambda row: json.dumps(row, ensure_ascii=False))
    complete = rows_of(parsed(form, body))
    ends = {body.index(HEADER[form].encode()) + len(HEADER[form])}
    for row in rows:
        text = json.dumps(row, ensure_ascii=False).encode() + (b"}}" if form is V1 else b"")
        ends.add(body.index(text) + len(text))
    refused = 0
    for cut in range(len(body)):
        parser, seen = Parser(form), []
        for piece in pieces(body[:cut], 13):
            seen += parser.feed(piece)
        try:
            seen += parser.finish()
        except IncompleteError:
            refused += 1
            assert body[cut - 1 : cut] not in b",\n" or cut not in {end + 2 for end in ends}
        else:
            last = body[:cut].rstrip(b", \n[]") if form is V1 else body[:cut].rstrip(b", \n")
            assert len(last) in ends or not last.strip(b"[") or last.endswith(b'"x"}')
        got = rows_of(seen)
        assert got == complete[: len(got)]
        assert len(got) >= sum(end < cut for end in sorted(ends)[1:]) - (form is not JSON)
        assert not parser.closed
    assert refused > len(body) * 0.8


@pytest.mark.parametrize("form", Format)
def test_an_empty_body_is_no_events(form):
    assert parsed(form) == []
    assert parsed(form, b"", b"\n", b"") == []


@pytest.mark.parametrize("body", ["[]", "[\n]", "[", "[\n"])
def test_an_array_without_elements_is_no_events(body):
    for form in (V1, JSON):
        parser = Parser(form)
        assert events_of(parser, pieces(body.encode(), 1)) == []
        assert parser.closed == ("]" in body)


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>",
        "Not Found",
        "rowtime: 2023, key: 1",
        "[1, 2",
        "7",
        '"x"',
        '{"a":1',
        '{"row":{"columns":7}}',
        '{"row":{"protobufBytes":"eA=="}}',
        '{"header":{"queryId":"q","schema":"`A` !"}}',
    ],
)
@pytest.mark.parametrize("form", [V1, DELIMITED])
def test_what_is_no_result_is_refused(form, text):
    with pytest.raises(MalformedError):
        Parser(form).feed(f"{text}\n".encode())
    with pytest.raises(IncompleteError):
        parsed(form, text)
    parser = Parser(form)
    parser.feed(f"{HEADER[form]}\n".encode())
    with pytest.raises(MalformedError):
        parser.feed(f"\n{text}\n".encode())


def test_what_is_no_result_is_refused_in_json_too():
    for text in ("Not Found", "<html>", "[{", '[{"queryId":"q"'):
        with pytest.raises(IncompleteError):
            parsed(JSON, text)
    with pytest.raises(MalformedError):
        Parser(JSON).feed(b"[{oops}]")


# --- size and time ---


@pytest.mark.parametrize("form", Format)
def test_a_large_row_over_many_reads_is_one_row(form):
    rows = [[1, "x€" * 100_000], [2, "short"]]
    body = framed(form, rows)
    for size in (1460, 16384, 65536):
        assert rows_of(parsed(form, *pieces(body, size))) == rows


@pytest.mark.parametrize("form", [V1, DELIMITED])
def test_a_hundred_thousand_rows_are_the_same_in_pieces_of_any_size(form):
    rows = [[n, f"row number {n}"] for n in range(100_000)]
    body = framed(form, rows, lambda row: orjson.dumps(row).decode())
    for size in (1, 7, 65536):
        parser = Parser(form)
        events = [event for chunk in pieces(body, size) for event in parser.feed(chunk)]
        assert rows_of(events + parser.finish()) == rows
