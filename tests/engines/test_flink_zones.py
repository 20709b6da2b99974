"""Moments that come as the wall clock of the session's zone."""

import datetime as dt

import pytest

from streammagic.engines.flink.types import parse_type
from streammagic.engines.flink.zones import mend, zone

LTZ = {"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "precision": 9, "nullable": True}
TEXT = {"type": "VARCHAR", "length": 2147483647, "nullable": True}


def mended(logical, raw, name="Asia/Kolkata"):
    return mend(parse_type(logical), zone(name))(raw)


@pytest.mark.parametrize("name", ["", "default", "UTC", "Z", "Etc/UTC", "No/Where", "../etc"])
def test_utc_and_what_is_not_known_need_nothing(name):
    assert zone(name) is None


@pytest.mark.parametrize(
    ("name", "hours"), [("GMT+8", 8), ("UTC-08:30", -8.5), ("+02:00", 2), ("Asia/Kolkata", 5.5)]
)
def test_zones_as_java_names_them(name, hours):
    assert zone(name).utcoffset(dt.datetime(2026, 1, 1)) == dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("1970-01-01T05:30:00Z", "1970-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.123456789Z", "2025-12-31T18:30:00.123456789Z"),
        ("+12026-01-01T00:00:00Z", "+12026-01-01T00:00:00Z"),
        (None, None),
    ],
)
def test_a_moment_is_moved_to_utc_with_all_its_digits(raw, moment):
    assert mended(LTZ, raw) == moment


def test_summer_time_counts():
    assert mended(LTZ, "2026-07-01T12:00:00Z", "Europe/Berlin") == "2026-07-01T10:00:00Z"
    assert mended(LTZ, "2026-01-01T12:00:00Z", "Europe/Berlin") == "2026-01-01T11:00:00Z"


def test_moments_inside_of_others_and_none_where_there_are_none():
    raw, moment = "1970-01-01T05:30:00Z", "1970-01-01T00:00:00Z"
    assert mended({"type": "ARRAY", "elementType": LTZ}, [raw, None]) == [moment, None]
    assert mended({"type": "MAP", "keyType": TEXT, "valueType": LTZ}, {"a": raw}) == {"a": moment}
    fields = [{"name": "a", "fieldType": TEXT}, {"name": "b", "fieldType": LTZ}]
    assert mended({"type": "ROW", "fields": fields}, {"a": raw, "b": raw}) == {"a": raw, "b": moment}
    assert mended({"type": "MULTISET", "elementType": LTZ}, {raw: 2}) == {moment: 2}
    assert mend(parse_type({"type": "ROW", "fields": fields[:1]}), zone("Asia/Kolkata")) is None
