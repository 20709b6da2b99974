"""A DataFrame as a table: what is sent for it."""

import pandas as pd
import pytest

from streammagic.errors import OptionError
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.loading import MAX_INSERTS
from streammagic.sql.statements import split

FRAME = pd.DataFrame({"city": ["Oslo", "it's"], "select": [1, 2], "Odd name": [1.5, None]})


def test_flink_gets_a_view_and_a_topic_gets_columns():
    made = FlinkDialect().loading("my table", FRAME, None)
    assert made.statements[0].startswith("CREATE TEMPORARY VIEW `my table` AS SELECT * FROM (SELECT ")
    assert len(split(made.statements[0], FlinkDialect())) == 1
    made = FlinkDialect().loading("t", FRAME, "topic")
    assert made.statements == ()
    assert made.columns == (("city", "STRING"), ("select", "BIGINT"), ("Odd name", "DOUBLE"))


def test_ksqldb_gets_a_stream_with_names_whose_case_does_not_count():
    made = KsqlDialect().loading("cities", FRAME, None)
    assert made.statements == (
        "CREATE STREAM cities (city STRING, `select` BIGINT, `Odd name` DOUBLE) WITH (kafka_topic = 'cities', value_format = 'JSON', partitions = 1)",
        "INSERT INTO cities (city, `select`, `Odd name`) VALUES ('Oslo', 1, 1.5E0)",
        "INSERT INTO cities (city, `select`, `Odd name`) VALUES ('it''s', 2, NULL)",
    )
    assert made.instead == ("DROP STREAM IF EXISTS cities DELETE TOPIC",)
    assert "kafka_topic = 'elsewhere'" in KsqlDialect().loading("cities", FRAME, "elsewhere").statements[0]


def test_types_of_ksqldb():
    frame = pd.DataFrame(
        {
            "small": pd.array([1], dtype="int8"),
            "real": pd.array([1.5], dtype="float32"),
            "at": pd.to_datetime(["2026-01-01"]),
            "zoned": pd.to_datetime(["2026-01-01"], utc=True),
            "yes": [True],
        }
    )
    created = KsqlDialect().loading("t", frame, None).statements[0]
    assert "(small INT, real DOUBLE, `at` TIMESTAMP, zoned TIMESTAMP, yes BOOLEAN)" in created


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": range(MAX_INSERTS + 1)}), "1,001 rows"),
        (pd.DataFrame({"a": pd.to_timedelta(["1s"])}), "ksqlDB has no INTERVAL"),
    ],
)
def test_what_ksqldb_can_not_take_is_said_before_anything_is_sent(frame, message):
    with pytest.raises(OptionError, match=message):
        KsqlDialect().loading("t", frame, None)
