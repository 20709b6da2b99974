"""The options of connectors and formats that come along."""

import re

import pytest

from streammagic.sql.connectors import Option, connectors, formats


def test_the_connectors_and_formats_that_come_along_are_there():
    assert set(connectors()) == {"blackhole", "datagen", "filesystem", "kafka", "print", "upsert-kafka"}
    assert set(formats()) == {
        "canal-json",
        "csv",
        "debezium-json",
        "json",
        "maxwell-json",
        "ogg-json",
        "raw",
    }


@pytest.mark.parametrize(
    ("connector", "option"),
    [
        ("datagen", Option("rows-per-second")),
        ("datagen", Option("fields.#.min")),
        ("kafka", Option("properties.*")),
        (
            "kafka",
            Option(
                "scan.startup.mode",
                ("earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"),
            ),
        ),
        ("upsert-kafka", Option("value.fields-include", ("ALL", "EXCEPT_KEY"))),
    ],
)
def test_a_connector_has_its_options(connector, option):
    assert option in connectors()[connector]


def test_a_format_has_its_options_with_its_name_in_front():
    assert Option("json.ignore-parse-errors", ("true", "false")) in formats()["json"]
    assert all(option.key.startswith(f"{name}.") for name, options in formats().items() for option in options)


def test_every_key_is_one():
    keys = [option.key for options in (*connectors().values(), *formats().values()) for option in options]
    assert all(re.fullmatch(r"[a-z#*][a-z0-9#*.-]*", key) for key in keys)
