"""Amounts in words."""

import pytest

from streammagic.views.amounts import ago, duration, plural, rate, share, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.02, "20 ms"),
        (1.4, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_ago():
    assert ago(0.4) == "now"
    assert ago(75) == "75 s ago"


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (0, "0"),
        (0.01, "< 0.1"),
        (0.25, "0.2"),
        (9.96, "10.0"),
        (50, "50"),
        (9_999, "9,999"),
        (12_345, "12.3 k"),
        (1_234_567, "1.23 M"),
        (2.5e9, "2.5 G"),
    ],
)
def test_rates(per_second, text):
    assert rate(per_second) == text


def test_the_rest():
    assert share(0.824) == "82 %"
    assert [size(n) for n in (0, 900, 5715, 3 * 2**20, 5 * 2**30)] == [
        "0 bytes",
        "900 bytes",
        "5.58 kB",
        "3 MB",
        "5 GB",
    ]
    assert [plural(n, "task") for n in (0, 1, 1200)] == ["0 tasks", "1 task", "1,200 tasks"]
    assert plural(2, "waits", "wait") == "2 wait"
