from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.alarm import AlarmState, AlarmTransition
from schemas.source import Source
from sparge.alarm_board import AlarmBoard, lines

SIGNALS = ("pH", "DO", "agitation")


def transition(number: int, signal: str = "DO", event: str = "raised", **changed: object) -> AlarmTransition:
    said = {
        "source": Source(topic_id="t", topic="telemetry.frames", partition=1, offset=number, index=0),
        "site": "north",
        "unit": "BR-01",
        "signal": signal,
        "condition": "low",
        "event": event,
        "state": AlarmState.UNACKNOWLEDGED if event == "raised" else AlarmState.NORMAL,
        "time_us": 1_790_000_000_000_000 + number * 1_000_000,
        "value": 4.2,
        "limit": 20.0,
        "unit_code": "%",
        "priority": "high",
        "alarm_class": "process",
        "message": "Dissolved oxygen is low.",
        "cause": "The stirrer has stopped.",
        "consequence": "The cells starve of oxygen.",
        "action": "Restart the stirrer.",
        "respond_within_s": 120.0,
        "since_us": 1_790_000_000_000_000,
    }
    return AlarmTransition.model_validate({**said, **changed})


def text(shown: AlarmTransition) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in lines(shown, None)]


histories = st.lists(st.tuples(st.sampled_from(SIGNALS), st.sampled_from(["raised", "cleared"])), max_size=30)


@given(histories, st.data())
def test_what_is_sent_again_after_a_crash_changes_nothing(
    history: list[tuple[str, str]], data: st.DataObject
) -> None:
    sent = [transition(number, signal, event) for number, (signal, event) in enumerate(history)]
    once, twice = AlarmBoard(), AlarmBoard()
    for one in sent:
        assert once.hear(one)
    again = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=3)))
    for end, one in enumerate(sent, start=1):
        assert twice.hear(one)
        if end in again:
            begin = data.draw(st.integers(0, end - 1))
            assert not any(twice.hear(repeat) for repeat in sent[begin:end])
    assert twice.active() == once.active()


def test_an_alarm_is_active_until_it_is_cleared() -> None:
    board = AlarmBoard()
    board.hear(transition(1))
    assert [alarm.signal for alarm in board.active()] == ["DO"]
    board.hear(transition(2, event="cleared"))
    assert board.active() == []


def test_the_gravest_comes_first_then_the_latest() -> None:
    board = AlarmBoard()
    board.hear(transition(1, "pH", priority="low"))
    board.hear(transition(2, "DO", priority="high", since_us=5))
    board.hear(transition(3, "agitation", priority="high", since_us=9))
    assert [alarm.signal for alarm in board.active()] == ["agitation", "DO", "pH"]


def test_units_and_recreated_topics_are_counted_apart() -> None:
    board = AlarmBoard()
    recreated = Source(topic_id="new", topic="telemetry.frames", partition=1, offset=0, index=0)
    assert board.hear(transition(7))
    assert board.hear(transition(0, unit="BR-02"))
    assert board.hear(transition(8, event="cleared", source=recreated))
    assert [alarm.unit for alarm in board.active()] == ["BR-02"]


def test_an_alarm_shows_signal_value_limit_since_when_and_what_to_do() -> None:
    shown = text(transition(65))
    assert "north/BR-01  DO low  4.2 %  limit 20 %  since 20" in shown[0]
    assert "do: Restart the stirrer. (within 2 min)" in shown[2]
    assert "The cells starve of oxygen." in shown[3]


def test_a_cleared_alarm_takes_one_line_and_says_how_long_it_lasted() -> None:
    shown = text(transition(65, event="cleared", value=None, limit=None))
    assert len(shown) == 1
    assert shown[0].endswith("after 1 min 5 s")


def test_an_alarm_shows_its_cause_and_its_unit_as_people_write_it() -> None:
    shown = text(transition(5, "pH", value=18.12, limit=1.0, unit_code="[pH]/min"))
    assert "18.12 per minute  limit 1 per minute" in shown[0]
    assert shown[4].strip() == "cause: The stirrer has stopped."
