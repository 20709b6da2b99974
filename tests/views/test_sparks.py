"""Figures over time, drawn and in words."""

import base64
import io

import pytest

from streammagic.views import sparks
from streammagic.views.sparks import Chart, Line, charts_bundle

ROWS = Chart(
    "Rows",
    "rows/s",
    (Line("in", ((-60.0, 100.0), (-30.0, None), (0.0, 150.0))), Line("out", ((-60.0, None), (0.0, None)))),
)
HELD = Chart("Held up", "%", (Line("worst", ((-60.0, 3.0), (0.0, 2.0))),))
NOTHING = Chart("Waiting", "rows", (Line("lag", ((0.0, None),)),))


@pytest.fixture
def pillow():
    return pytest.importorskip("PIL.Image")


def test_words_say_what_the_charts_show():
    assert charts_bundle("orders: figures", [ROWS, HELD, NOTHING])["text/plain"].splitlines() == [
        "orders: figures",
        "",
        "Rows in: 150 rows/s (100 to 150 in 60 s)",
        "Held up: 2 % (2 to 3 in 60 s)",
    ]


def test_without_matplotlib_there_are_words_and_a_hint(monkeypatch):
    monkeypatch.setattr(sparks, "find_spec", lambda _: None)
    bundle = charts_bundle("<orders>", [ROWS])
    assert set(bundle) == {"text/html", "text/plain"}
    assert "streammagic[plot]" in bundle["text/plain"]
    assert "&lt;orders&gt;" in bundle["text/html"]


def test_without_figures_that_is_said():
    assert charts_bundle("orders", [NOTHING])["text/plain"] == "orders\n\nno figures yet"


def test_the_picture_has_words_for_those_who_cannot_see_it():
    pytest.importorskip("matplotlib")
    html = charts_bundle('"orders"', [ROWS])["text/html"]
    assert 'alt="Rows in: 150 rows/s (100 to 150 in 60 s)"' in html
    assert "<b>" not in html


def test_the_picture_suits_light_and_dark_pages(pillow):
    pytest.importorskip("matplotlib")
    png = base64.b64decode(charts_bundle("orders", [ROWS, HELD])["image/png"])
    picture = pillow.open(io.BytesIO(png)).convert("RGBA")
    assert picture.getpixel((0, 0))[3] == 0  # it is transparent
    raw = picture.tobytes()
    inks = {tuple(raw[at : at + 3]) for at in range(0, len(raw), 4) if raw[at + 3] == 255}
    brightness = [sum(ink) / 3 for ink in inks]
    assert min(brightness) > 60  # nothing that is black on black
    assert max(brightness) < 200  # nothing that is white on white


def test_one_sample_is_a_point():
    pytest.importorskip("matplotlib")
    assert "image/png" in charts_bundle("orders", [Chart("Rows", "rows/s", (Line("in", ((0.0, 5.0),)),))])
