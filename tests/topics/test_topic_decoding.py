"""Bytes as text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.topics.decode import Decoder, plain_text, schema_id


def shown(data):
    return Decoder().text(data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, None),
        (b"", ""),
        (b"abc", "abc"),
        ("größe 😀".encode(), "größe 😀"),
        (b"\xff\x00", "0xff00"),
        (b"\x00\x00\x00\x05", "0x00000005"),
        (b"a\x07", "0x6107"),
        (b"a\tb\r\n", "a\tb\r\n"),
        (b'{"a": 1.50}', '{"a": 1.50}'),
        (b'{\n  "a": 1.50,\n  "b c": [1, 2]\n}\n', '{"a":1.50,"b c":[1,2]}'),
        (b'{"a":\n12345678901234567890123}', '{"a":12345678901234567890123}'),
        (b'{"a":\n"x \\" y  z"}', '{"a":"x \\" y  z"}'),
        (b"two\nlines", "two\nlines"),
    ],
)
def test_what_is_shown_of_bytes(data, text):
    assert shown(data) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_json_over_lines_means_the_same_on_one(value):
    text = json.dumps(value, indent=1)
    assert json.dumps(json.loads(shown(text.encode()))) == json.dumps(value)


@given(st.binary())
def test_decoding_never_fails(data):
    text = shown(data)
    assert text == f"0x{data.hex()}" or plain_text(data) is not None


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"\0\0\0\0\1", 1),
        (b"\0\1\0\0\0x", 2**24),
        (b"\0\0\0\0\0x", None),
        (b"\0\0\0\1", None),
        (b"\1\0\0\0\1", None),
    ],
)
def test_the_id_of_a_schema(data, number):
    assert schema_id(data) == number


def test_without_a_registry_it_is_said_once_that_one_would_help():
    decoder = Decoder()
    assert [decoder.text(b"\0\0\0\0\1x"), decoder.text(b"\0\0\0\0\1y")] == [
        "0x000000000178",
        "0x000000000179",
    ]
    assert decoder.notes == [
        "Some values look like Confluent's wire format; set StreamMagic.schema_registry."
    ]
