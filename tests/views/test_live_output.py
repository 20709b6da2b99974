import threading
from itertools import count, pairwise

import pytest

from streammagic.views import live
from streammagic.views.live import LiveOutput, show
from streammagic.views.pace import OUTPUT_PERIOD

RENDER_THREAD = "streammagic-render"


class Counter:
    """Something that changes: its picture is the number now."""

    def __init__(self):
        self.number = 0

    def render(self):
        return {"text/plain": str(self.number)}


def last(text="last"):
    return {"text/plain": text}


def render_thread():
    return next((thread for thread in threading.enumerate() if thread.name == RENDER_THREAD), None)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    thread = render_thread()
    if thread:
        thread.join(5)
    assert render_thread() is None


@pytest.fixture
def seen():
    return Counter()


@pytest.fixture
def output(shell, seen):
    assert shell.messages == []
    made = LiveOutput(seen.render)
    yield made
    made.finish(last())


def test_the_first_picture_is_drawn_at_once_in_the_cells_thread(shell, output):
    assert output.error is None
    assert [(m.data, m.update, m.thread) for m in shell.messages] == [
        ({"text/plain": "0"}, False, threading.current_thread().name)
    ]


def test_a_touch_draws_what_is_there_now_in_the_same_place(shell, seen, output):
    seen.number = 7
    output.touch()
    update = shell.wait_for("7")
    assert (update.update, update.thread) == (True, RENDER_THREAD)
    assert update.display_id == shell.messages[0].display_id


def test_two_outputs_have_two_places(shell, output, seen):
    other = LiveOutput(seen.render)
    other.finish(last("other"))
    output.finish(last())
    assert shell.messages[0].display_id != shell.messages[1].display_id
    assert {m.display_id for m in shell.messages if m.data == last("other")} == {shell.messages[1].display_id}


def test_the_finish_is_the_last_update(shell, seen, output):
    output.finish(last())
    seen.number = 1
    output.touch()
    output.finish(last("again"))
    other = LiveOutput(seen.render)
    other.finish(last("other"))  # whatever was queued before is out when this one is
    assert shell.texts == ["0", "last", "1", "other"]


def test_a_finish_does_not_wait_for_its_turn(shell, output):
    output.finish(last())
    assert shell.messages[1].at - shell.messages[0].at < OUTPUT_PERIOD


def test_many_touches_are_few_pictures(shell, seen, output):
    for seen.number in range(1, 20_000):
        output.touch()
    shell.wait_for("19999")
    times = [message.at for message in shell.messages]
    assert all(later - earlier > OUTPUT_PERIOD * 0.9 for earlier, later in pairwise(times))


def test_many_outputs_share_one_budget(shell):
    outputs = [LiveOutput(Counter().render) for _ in range(20)]
    for output in outputs:
        output.touch()
    for output in outputs:
        output.finish(last())
    times = [message.at for message in shell.messages if message.update]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) > 0.015
    assert {message.thread for message in shell.messages if message.update} == {RENDER_THREAD}


def test_nothing_is_drawn_while_nothing_is_new(shell, seen):
    calls = count()
    output = LiveOutput(lambda: {"text/plain": f"picture {next(calls)}"})
    other = LiveOutput(seen.render)
    for seen.number in range(1, 4):
        other.touch()
        shell.wait_for(str(seen.number))
    output.finish(last())
    other.finish(last())
    assert next(calls) == 1


def test_a_picture_that_fails_says_so_and_the_next_one_is_shown(shell, seen, caplog):
    answers = iter([last("first"), ZeroDivisionError("by 0"), last("third")])

    def render():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    output = LiveOutput(render)
    output.touch()
    shell.wait_for("This output could not be drawn: ZeroDivisionError: by 0")
    assert isinstance(output.error, ZeroDivisionError)
    assert "could not be drawn" in caplog.text
    output.touch()
    shell.wait_for("third")
    output.finish(last())
    assert seen.number == 0


def test_a_first_picture_that_fails_is_the_cells_error(shell):
    def render():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LiveOutput(render)
    assert shell.messages == []


def test_a_message_that_cannot_be_sent_does_not_hold_the_cell(shell, seen, caplog, monkeypatch):
    output = LiveOutput(seen.render)

    def publish(**_):
        raise OSError("closed")

    monkeypatch.setattr(shell, "publish", publish, raising=False)
    output.finish(last())
    assert isinstance(output.error, OSError)
    assert "could not be sent" in caplog.text


def test_a_finish_is_bounded(shell, seen, monkeypatch):
    monkeypatch.setattr(live, "FINISH_TIMEOUT", 0.05)
    entered, leave = threading.Event(), threading.Event()

    def render():
        if threading.current_thread().name == RENDER_THREAD:
            entered.set()
            leave.wait(10)
        return seen.render()

    output = LiveOutput(render)
    output.touch()
    assert entered.wait(5)
    output.finish(last())
    assert "last" not in shell.texts
    leave.set()
    shell.wait_for("last")


def test_a_finish_from_the_render_thread_does_not_wait_for_itself(shell):
    outputs = []

    def render():
        if outputs:
            outputs[0].finish(last())
        return {"text/plain": "drawn"}

    outputs.append(LiveOutput(render))
    outputs[0].touch()
    shell.wait_for("last")
    assert shell.texts == ["drawn", "drawn", "last"]


def test_a_delayed_output_that_ends_in_time_is_never_seen(shell, seen):
    LiveOutput(seen.render, delay=60).finish(last())
    assert shell.messages == []


def test_a_delayed_output_appears_by_itself(shell, seen):
    output = LiveOutput(seen.render, delay=0.01)
    assert shell.wait_for("0").update is False
    output.finish(last())
    assert shell.messages[-1].update is True


def test_show_is_one_message_without_a_display_id(shell):
    show(last())
    assert [(m.data, m.update, m.display_id) for m in shell.messages] == [(last(), False, None)]
