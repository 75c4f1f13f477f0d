from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from schemas.alarm import AlarmState, AlarmTransition
from schemas.forecast import Forecast, ForecastMessage, TimeToLimit
from schemas.score import Contribution, ModelRef, Score, ScoreMessage, UnitScore
from schemas.source import Source
from schemas.status import Status
from tests.integration.storage.frames import FRAMES, T0_US, column, stored

if TYPE_CHECKING:
    from storage.store import Store
    from tests.integration.storage.frames import Rows

TP = (FRAMES, 0)
MODEL = ModelRef(name="holt", version="1", digest="ab12")
AT = datetime.fromtimestamp(T0_US // 10**6, UTC)


def source(offset: int, index: int = 0, topic_id: str = "frames-id") -> Source:
    return Source(topic_id=topic_id, topic=FRAMES, partition=0, offset=offset, index=index)


def scored(at: Source, *signals: str) -> ScoreMessage:
    return ScoreMessage(
        source=at,
        site="north",
        unit="BR-01",
        now_us=T0_US,
        model=MODEL,
        scores=[
            Score(
                signal=name,
                time_us=T0_US + place,
                value=1.5,
                expected=1.25,
                score=310.5,
                suspect=True,
                learned=False,
            )
            for place, name in enumerate(signals)
        ],
    )


def foreseen(at: Source) -> ForecastMessage:
    return ForecastMessage(
        source=at,
        site="north",
        unit="BR-01",
        made_us=T0_US,
        model=MODEL,
        forecasts=[
            Forecast(
                signal="DO",
                unit_code="%",
                horizon_s=[60.0, 600.0],
                value=[40.0, 38.0],
                lower=[39.0, 30.0],
                upper=[41.0, 46.0],
                coverage=0.9,
                fallback=False,
            )
        ],
    )


def transition(at: Source, **changes: Any) -> AlarmTransition:
    raised: dict[str, Any] = {
        "source": at,
        "site": "north",
        "unit": "BR-01",
        "signal": "DO",
        "condition": "low",
        "event": "raised",
        "state": AlarmState.UNACKNOWLEDGED,
        "time_us": T0_US,
        "sample_us": T0_US - 5,
        "value": 18.5,
        "limit": 20.0,
        "unit_code": "%",
        "priority": "high",
        "alarm_class": "process",
        "message": "DO is low",
        "cause": "stirrer",
        "consequence": "starvation",
        "action": "raise agitation",
        "respond_within_s": 300.0,
        "since_us": T0_US,
    }
    return AlarmTransition(**{**raised, **changes})


def test_scores_are_stored_once_however_often_they_are_delivered(store: Store, rows: Rows) -> None:
    model = ("holt", "1", "ab12")
    messages = [scored(source(7), "DO", "pH"), scored(source(7, index=1), "extra")]
    for expected in (2, 0):
        with store.transaction("ingest", [TP]) as transaction:
            assert transaction.write_scores([*messages, messages[0]]) == expected
    assert rows(
        "SELECT site, unit, signal, time, value, expected, ucum, score, suspect, learned, model, "
        "model_version, model_digest FROM sparge.scores ORDER BY signal"
    ) == [
        ("north", "BR-01", name, AT.replace(microsecond=us), 1.5, 1.25, ucum, 310.5, True, False, *model)
        for name, us, ucum in (("DO", 0, "%"), ("extra", 0, None), ("pH", 1, "[pH]"))
    ]


def test_an_input_of_a_recreated_topic_is_another_source(store: Store) -> None:
    with store.transaction("ingest", [TP]) as transaction:
        assert transaction.write_scores([scored(source(7), "DO")]) == 1
        assert transaction.write_scores([scored(source(7, topic_id="recreated-id"), "DO")]) == 1


def test_a_signal_outside_the_dictionary_gets_its_unit_from_the_first_frame_even_after_a_score(
    store: Store, rows: Rows
) -> None:
    with store.transaction("ingest", [TP]) as transaction:
        transaction.write_scores([scored(source(7), "extra")])
        transaction.write_frames([stored([column("extra", [2.0], unit="g.L-1")])])
    assert rows("SELECT signal, ucum, declared FROM sparge.signals") == [("extra", "g.L-1", False)]


def test_forecasts_are_stored_once_with_a_row_for_each_horizon(store: Store, rows: Rows) -> None:
    for expected in (1, 0):
        with store.transaction("ingest", [TP]) as transaction:
            assert transaction.write_forecasts([foreseen(source(7)), foreseen(source(7))]) == expected
    assert rows(
        "SELECT signal, made_at, horizon_s, time, value, lower, upper, ucum, coverage, fallback, model "
        "FROM sparge.forecasts ORDER BY horizon_s"
    ) == [
        ("DO", AT, 60.0, AT.replace(minute=AT.minute + 1), 40.0, 39.0, 41.0, "%", 0.9, False, "holt"),
        ("DO", AT, 600.0, AT.replace(minute=AT.minute + 10), 38.0, 30.0, 46.0, "%", 0.9, False, "holt"),
    ]


def test_an_alarm_is_what_its_last_transition_says_whatever_was_stored_first(
    store: Store, rows: Rows
) -> None:
    raised = transition(source(10))
    cleared = transition(
        source(12, index=1),
        event="cleared",
        state=AlarmState.NORMAL,
        time_us=T0_US + 9,
        value=25.0,
    )
    other = transition(source(12), condition="high", value=None, limit=None, sample_us=None)
    decided = AT - timedelta(microseconds=5)
    known = ("%", "high", "raise agitation", 300.0)
    with store.transaction("ingest", [TP]) as transaction_:
        assert transaction_.write_transitions([cleared, other]) == 2
    with store.transaction("ingest", [TP]) as transaction_:
        assert transaction_.write_transitions([raised, cleared, raised]) == 1
    assert rows(
        "SELECT alarm_id, state, active, since, time, sample_time, value, limit_value, ucum, priority, "
        "action, respond_within_s FROM sparge.alarms ORDER BY condition"
    ) == [
        ("north/BR-01/DO/high", "unacknowledged", True, AT, AT, None, None, None, *known),
        ("north/BR-01/DO/low", "normal", False, AT, AT.replace(microsecond=9), decided, 25.0, 20.0, *known),
    ]
    assert rows("SELECT count(*) FROM sparge.alarm_history") == [(3,)]


def test_what_an_alarm_says_of_its_instrument_is_stored_with_the_transition_that_raised_it(
    store: Store, rows: Rows
) -> None:
    of_probe = {"signal": "pH", "condition": "range"}
    raised = transition(source(10), **of_probe, device_state="F", value_status=int(Status.BAD_SENSOR_FAILURE))
    cleared = transition(source(12), **of_probe, event="cleared", state=AlarmState.NORMAL, time_us=T0_US + 9)
    of_process = transition(source(11))
    said = "SELECT signal, event, device_state, value_status FROM sparge."
    with store.transaction("ingest", [TP]) as transaction_:
        transaction_.write_transitions([raised, of_process])
    failed = ("pH", "raised", "F", 0x808C0000)
    assert rows(said + "alarms ORDER BY signal") == [("DO", "raised", None, None), failed]
    with store.transaction("ingest", [TP]) as transaction_:
        transaction_.write_transitions([cleared])
    assert rows(said + "alarms WHERE signal = 'pH'") == [("pH", "cleared", None, None)]
    assert rows(said + "alarm_history WHERE signal = 'pH' ORDER BY time") == [
        failed,
        ("pH", "cleared", None, None),
    ]


def test_transitions_of_one_moment_are_told_apart_by_their_source(store: Store, rows: Rows) -> None:
    first = transition(source(10, index=0))
    second = transition(source(10, index=1), event="cleared", state=AlarmState.NORMAL)
    with store.transaction("ingest", [TP]) as transaction_:
        transaction_.write_transitions([second, first])
    assert rows("SELECT active FROM sparge.alarms") == [(False,)]


def test_results_of_a_transaction_that_fails_are_not_stored_and_can_be_sent_again(
    store: Store, rows: Rows
) -> None:
    messages = [scored(source(7), "DO")]

    def fail() -> None:
        with store.transaction("ingest", [TP]) as transaction_:
            transaction_.write_scores(messages)
            transaction_.write_transitions([transition(source(8))])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows("SELECT (SELECT count(*) FROM sparge.scores) + (SELECT count(*) FROM sparge.alarms)") == [
        (0,)
    ]
    with store.transaction("ingest", [TP]) as transaction_:
        assert transaction_.write_scores(messages) == 1


def test_nothing_to_write_is_no_work(store: Store) -> None:
    with store.transaction("ingest", [TP]) as transaction_:
        assert transaction_.write_scores([]) == 0
        assert transaction_.write_forecasts([]) == 0
        assert transaction_.write_transitions([]) == 0


def test_what_a_layer_says_of_the_unit_is_stored_with_who_contributed(store: Store, rows: Rows) -> None:
    told = scored(source(5)).model_copy(
        update={
            "layer": "multivariate",
            "role": "challenger",
            "unit_scores": [
                UnitScore(
                    time_us=T0_US,
                    score=8.5,
                    suspect=True,
                    learned=False,
                    contributions=[
                        Contribution(signal="DO", share=0.75),
                        Contribution(signal="pH", share=0.25),
                    ],
                    looks_like="sensor",
                    reason="come apart",
                ),
                UnitScore(time_us=T0_US + 10, score=0.5, suspect=False, learned=True, contributions=[]),
            ],
        }
    )
    for _ in range(2):
        with store.transaction("ingest", [TP]) as tx:
            tx.write_scores([told])
    found = rows(
        "SELECT layer, role, score, suspect, learned, looks_like, reason, signals, shares, model"
        " FROM sparge.unit_scores ORDER BY time"
    )
    assert found == [
        (
            "multivariate",
            "challenger",
            8.5,
            True,
            False,
            "sensor",
            "come apart",
            ["DO", "pH"],
            [0.75, 0.25],
            "holt",
        ),
        ("multivariate", "challenger", 0.5, False, True, None, None, [], [], "holt"),
    ]


def test_a_limit_ahead_is_stored_with_its_words(store: Store, rows: Rows) -> None:
    (forecast,) = foreseen(source(6)).forecasts
    ahead = TimeToLimit(
        condition="low", limit=20.0, minutes=14.0, from_minutes=9.0, to_minutes=None, text="DO reaches 20 %"
    )
    told = forecast.model_copy(
        update={"time_to_limit": [ahead], "reached": [0.91, None], "silent": [False, True]}
    )
    with store.transaction("ingest", [TP]) as tx:
        tx.write_forecasts([foreseen(source(6)).model_copy(update={"forecasts": [told]})])
    assert rows(
        "SELECT signal, condition, limit_value, minutes, to_minutes, told FROM sparge.limits_ahead"
    ) == [("DO", "low", 20.0, 14.0, None, "DO reaches 20 %")]
    assert rows("SELECT horizon_s, reached, silent FROM sparge.forecasts ORDER BY horizon_s") == [
        (60.0, 0.91, False),
        (600.0, None, True),
    ]
