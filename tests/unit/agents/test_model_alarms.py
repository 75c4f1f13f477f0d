"""What models see becomes few alarms: lasting, told once, with what it looks like; and limits ahead."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agents.alarm_watch import AlarmWatch
from agents.alarms.annunciator import Moment
from agents.alarms.definition import shipped
from agents.context import NO_BATCH
from agents.limits_ahead import judge_limits_ahead, limits_ahead
from agents.model_alarms import answers, judge_anomalies
from agents.model_outputs import forecast_message, score_messages
from agents.models.forecasting import recipe as forecast_recipe
from agents.models.forecasting.layer import Outlooks
from agents.models.lineup import Choice, Lineup
from agents.models.multivariate import shipped as multivariate_recipe
from agents.models.residual import shipped as residual_recipe
from agents.models.step import SignalScores, UnitScore
from agents.models.unit_models import Foresaid, Said, UnitModels
from agents.snapshot import decode, encode
from agents.state_codec import pack, unpack
from agents.unit_watch import UnitWatch
from schemas.signals import spec
from tests.unit.agents.frames import Player, frame, sources, us

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.alarm import AlarmTransition

NAMES = ("DO", "pH")
VALUES = {"DO": 40.0, "pH": 7.0}


class Script:
    """A layer that says what it is told to say, or fails of it."""

    def __init__(self) -> None:
        self.says: SignalScores | UnitScore | Exception | None = None

    def add(self, name: str, spec: object) -> None: ...

    def take(self, *_: object) -> SignalScores | UnitScore | None:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def state(self) -> Mapping[str, object]:
        return {}

    def take_up(self, state: Mapping[str, object]) -> None: ...


def _itself(script: Script) -> Script:
    return script


def suspects(*names: str) -> SignalScores:
    suspect = np.array([name in names for name in NAMES])
    score = np.where(suspect, 7.25, 0.5)
    return SignalScores(np.zeros(2), np.ones(2), score, suspect, ~suspect)


def whole(score: float, looks_like: str | None = None, reason: str = "") -> UnitScore:
    share = np.array([0.75, 0.25])
    return UnitScore("x", score, score > 5, score <= 5, share, reason, looks_like)  # type: ignore[arg-type]  # a literal


class Unit:
    """Alarms and scripted models of one unit, played at one frame every ten seconds."""

    def __init__(self) -> None:
        self.alarms = AlarmWatch("north", "BR-01", shipped())
        self.signal, self.unit, self.looks, self.slow = Script(), Script(), Script(), Script()
        recipe = residual_recipe()
        kinds = (
            ("residual", self.signal),
            ("multivariate", self.unit),
            ("attribution", self.looks),
            ("scales", self.slow),
        )
        named = {kind: recipe.model_copy(update={"name": f"{kind}-model"}) for kind, _ in kinds}
        lineup = Lineup(
            tuple(Choice(kind, "champion", named[kind], partial(_itself, it)) for kind, it in kinds)
        )
        self.models = UnitModels(lambda _: lineup)
        self.batch = "B1"
        self.second = 0

    def run(self, seconds: int) -> list[AlarmTransition]:
        told: list[AlarmTransition] = []
        for _ in range(0, seconds, 10):
            moment = Moment(us(self.second), sources(self.second))
            transitions, news = self.alarms.on_frame(frame(VALUES, self.second), moment)
            told += transitions
            for signal in self.alarms.table.signals[len(self.models) :]:
                self.models.add(signal.name, signal.spec)
            assert news is not None
            context = replace(self.alarms.context, batch=self.batch)
            self.models.take("d", news, np.zeros(2, dtype=np.bool_), context, moment.now_us)
            told += judge_anomalies(self.models, self.alarms, moment)
            self.second += 10
        return [each for each in told if each.condition == "anomaly"]


def brief(told: list[AlarmTransition]) -> list[tuple[str, str]]:
    return [(each.signal, each.event) for each in told]


def test_a_short_suspicion_is_not_told() -> None:
    unit = Unit()
    unit.run(60)
    unit.signal.says = suspects("DO")
    assert unit.run(40) == []
    unit.signal.says = suspects()
    assert unit.run(600) == []


def test_a_lasting_suspicion_is_one_alarm_that_ends_when_it_is_over() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    told = unit.run(300)
    assert brief(told) == [("DO", "raised")]
    assert (told[0].value, told[0].limit) == (7.2, residual_recipe().suspect_at)
    unit.signal.says = suspects()
    assert brief(unit.run(600)) == [("DO", "cleared")]


def test_what_the_time_scales_suspect_is_no_alarm() -> None:
    unit = Unit()
    unit.slow.says = suspects("DO")
    assert unit.run(600) == []


def test_what_a_controller_moves_or_a_counter_counts_raises_no_alarm_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(globals(), "NAMES", ("DO", "base_pump"))
    monkeypatch.setitem(globals(), "VALUES", {"DO": 40.0, "base_pump": 20.0})
    unit = Unit()
    unit.signal.says = suspects("DO", "base_pump")
    assert brief(unit.run(300)) == [("DO", "raised")]
    moved = ("agitation", "gas_flow", "feed_rate", "antifoam_total", "cooling_valve", "jacket_flow")
    assert all(answers(spec(name)) for name in moved)
    shown = ("pH", "offgas_O2", "weight", "foam", "temperature_2")
    assert not any(answers(spec(name)) for name in (*shown, "nobody's"))


def test_of_a_suspected_whole_the_parts_are_not_told_again() -> None:
    unit = Unit()
    unit.signal.says, unit.unit.says = suspects("DO", "pH"), whole(9.0, reason="They have come apart.")
    told = unit.run(300)
    assert brief(told) == [("unit", "raised")]
    assert told[0].message.endswith("They have come apart.")
    assert told[0].model is not None
    assert told[0].model.name == "multivariate-model"


def test_an_alarm_names_the_model_that_raised_it_and_the_device_time_through_a_restart() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    assert unit.run(200) == []
    kept = decode("north", "BR-01", encode({"site": "north", "unit": "BR-01", **unit.alarms.memory()}))
    unit.alarms = AlarmWatch("north", "BR-01", shipped())
    unit.alarms.take_up(kept)
    (raised,) = unit.run(60)
    assert raised.model is not None
    assert raised.model.name == "residual-model"
    assert us(0) < (raised.sample_us or 0) <= raised.time_us
    unit.signal.says = suspects()
    (cleared,) = unit.run(600)
    assert (cleared.event, cleared.model) == ("cleared", None)


def test_an_alarm_says_what_it_looks_like_and_why() -> None:
    unit = Unit()
    unit.signal.says = suspects("pH")
    unit.looks.says = whole(1.0, "sensor", "pH and pH_2 differ by 0.31, usually 0.02.")
    told = unit.run(300)
    assert told[0].message.endswith("It looks like a sensor. pH and pH_2 differ by 0.31, usually 0.02.")


def test_what_an_anomaly_looks_like_is_told_only_of_the_signals_that_it_concerns() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO", "pH")
    reason = "pH and pH_2 differ by 0.31, usually 0.02."
    unit.looks.says = replace(whole(1.0, "sensor", reason), about=("pH", "pH_2"))
    told = {each.signal: each.message for each in unit.run(320)}
    assert reason in told["pH"]
    assert "looks like" not in told["DO"]
    assert reason not in told["DO"]


def test_an_alarm_of_a_signal_says_what_it_reads_and_what_was_expected() -> None:
    unit = Unit()
    unit.signal.says = replace(suspects("DO"), expected=np.array([42.5, 7.0]))
    (told,) = unit.run(320)
    assert told.message.endswith("It reads 40 %, 2.5 % below the expected 42.5 %.")


def test_an_alarm_of_the_unit_names_the_signals_that_contributed_most() -> None:
    unit = Unit()
    unit.unit.says = whole(9.0)
    (told,) = unit.run(320)
    assert told.message.endswith("Most of it comes from DO, pH.")


def test_a_score_below_the_limit_says_until_when_it_is_suspected() -> None:
    unit = Unit()
    seat = unit.models.champions()[1]
    seat.choice = replace(seat.choice, recipe=multivariate_recipe())
    unit.unit.says = replace(whole(4.0), suspect=True)
    (told,) = unit.run(320)
    assert "(score 4, suspected from 5 until below 3)" in told.message


def test_a_signal_that_has_another_alarm_gets_no_second_one() -> None:
    unit = Unit()
    unit.run(60)
    low = dict(VALUES)
    VALUES["DO"] = 1.0
    try:
        unit.signal.says = suspects("DO")
        assert brief(unit.run(600)) == []
    finally:
        VALUES.update(low)


def test_a_signal_that_the_units_alarm_tells_of_is_never_said_to_be_as_expected() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    assert brief(unit.run(320)) == [("DO", "raised")]
    unit.unit.says = whole(9.0)
    told = unit.run(420)
    assert brief(told) == [("unit", "raised"), ("DO", "cleared")]
    assert told[1].message.startswith(
        "DO is still suspected, and told of by the alarm of the unit as a whole. The alarm lasted "
    )
    unit.signal.says, unit.unit.says = suspects(), whole(0.5)
    (over,) = unit.run(900)
    assert over.message.startswith("unit behaves as expected again after ")


def test_a_signal_that_gets_another_alarm_is_said_to_be_told_of_by_that() -> None:
    unit = Unit()
    unit.run(60)
    unit.signal.says = suspects("DO")
    assert brief(unit.run(600)) == [("DO", "raised")]
    usual = dict(VALUES)
    VALUES["DO"] = 1.0
    try:
        (cleared,) = unit.run(600)
    finally:
        VALUES.update(usual)
    assert cleared.event == "cleared"
    assert cleared.message.startswith("DO is still suspected, and told of by its alarm ")


BROKEN = ArithmeticError("broken")
VERSION = residual_recipe().version
DO_UNJUDGED = f"DO is no longer judged: its model residual-model {VERSION} has gone out of service. "


def test_an_alarm_whose_model_goes_out_of_service_says_so_and_gives_no_all_clear() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    assert brief(unit.run(320)) == [("DO", "raised")]
    unit.signal.says = BROKEN
    (ended,) = unit.run(900)
    assert ended.event == "cleared"
    assert ended.message == f"{DO_UNJUDGED}The alarm lasted 6 min."


def test_a_suspicion_too_short_for_an_alarm_goes_with_its_model_without_a_word() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    assert unit.run(40) == []
    unit.signal.says = BROKEN
    assert unit.run(900) == []


def test_a_model_that_goes_out_of_service_as_its_alarm_is_about_to_end_leaves_no_all_clear() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    unit.run(320)
    unit.signal.says = suspects()
    assert unit.run(100) == []
    unit.signal.says = BROKEN
    (ended,) = unit.run(900)
    assert ended.message.startswith(DO_UNJUDGED)


def test_a_model_that_returns_with_the_next_batch_has_not_seen_what_was_wrong() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    unit.run(320)
    unit.signal.says = BROKEN
    assert unit.run(100) == []
    unit.batch, unit.signal.says = "B2", suspects()
    (ended,) = unit.run(900)
    assert unit.models.faults == {}
    assert ended.message.startswith(DO_UNJUDGED)


def test_a_model_that_returns_and_suspects_again_may_give_the_all_clear() -> None:
    unit = Unit()
    unit.signal.says = suspects("DO")
    unit.run(320)
    unit.signal.says = BROKEN
    assert unit.run(100) == []
    unit.batch, unit.signal.says = "B2", suspects("DO")
    assert unit.run(100) == []
    unit.signal.says = suspects()
    (over,) = unit.run(900)
    assert over.message.startswith("DO behaves as expected again after ")


def test_the_units_alarm_names_the_model_that_is_gone_where_others_still_judge_the_unit() -> None:
    unit = Unit()
    unit.unit.says = whole(9.0)
    assert brief(unit.run(320)) == [("unit", "raised")]
    unit.unit.says, unit.looks.says = BROKEN, whole(0.5)
    (ended,) = unit.run(900)
    gone = f"unit is no longer judged by multivariate-model {VERSION}, which has gone out of service. "
    assert ended.message.startswith(gone)


def test_an_alarm_that_its_model_has_left_ends_through_a_restart_as_without_one() -> None:
    told = []
    for restarted in (False, True):
        unit = Unit()
        unit.signal.says = suspects("DO")
        unit.run(320)
        unit.signal.says = BROKEN
        unit.run(100)
        if restarted:
            kept = decode(
                "north", "BR-01", encode({"site": "north", "unit": "BR-01", **unit.alarms.memory()})
            )
            unit.alarms = AlarmWatch("north", "BR-01", shipped())
            unit.alarms.take_up(kept)
            models, unit.models = unit.models, UnitModels(unit.models._choose)
            for name in NAMES:
                unit.models.add(name, spec(name))
            unit.models.take_up(unpack(pack(models.state(), b""), b""), replace(NO_BATCH, batch=unit.batch))
        told.append([each.encode() for each in unit.run(900)])
    assert len(told[0]) == 1
    assert told[0] == told[1]


def test_scores_say_who_contributed_only_where_somebody_would_ask() -> None:
    choice = Choice("multivariate", "champion", residual_recipe(), Script)
    said = [Said(choice, None, ((5_000_000, whole(9.0, None, "apart")), (10_000_000, whole(0.5))))]
    (message,) = score_messages(("n", "u"), NAMES, said, Moment(us(0), sources()), "process")
    assert message.unit_scores is not None
    first, second = message.unit_scores
    assert [(one.signal, one.share) for one in first.contributions] == [("DO", 0.75), ("pH", 0.25)]
    assert (first.looks_like, first.reason) == ("process", "apart")
    assert (second.contributions, second.looks_like, second.reason) == ([], None, None)
    assert (message.layer, message.role, message.scores) == ("multivariate", "champion", [])


def foresaid(value: list[float], width: float, *, silent: bool = False) -> Foresaid:
    """DO falls as `value` says, pH stays."""
    ahead = np.array([value, [7.0] * 3])
    spread = np.array([[width], [0.01]])
    mask = np.array([[silent] * 3, [True] * 3])
    outlooks = Outlooks(
        np.array([300.0, 900.0, 3600.0]),
        ahead,
        ahead - spread,
        ahead + spread,
        np.zeros((2, 3), dtype=np.bool_),
        mask,
        np.array([[0.9, np.nan, 0.8], [0.9, 0.9, 0.9]]),
    )
    return Foresaid(residual_recipe().ref, "champion", 0.9, us(0), np.array([40.0, 7.0]), outlooks)


def alarms_of_a_unit() -> AlarmWatch:
    unit = Unit()
    unit.run(10)
    return unit.alarms


def low_of_do(alarms: AlarmWatch) -> float:
    found = {each.condition: each.limit for each, _ in alarms.table.signals[0].limits}
    assert found["low"] is not None
    return found["low"]


def test_a_signal_on_its_way_to_a_limit_says_when() -> None:
    alarms = alarms_of_a_unit()
    low = low_of_do(alarms)
    falling = foresaid([36.0, low, 0.0], 2.0)
    (ahead, *_) = limits_ahead(falling, alarms.table.signals)[0]
    assert ahead.condition == "low"
    assert ahead.reaches.minutes == pytest.approx(15.0)
    assert ahead.text.startswith(f"DO reaches {low:g} % in 15 min (")
    (message,) = forecast_message(
        ("n", "u"), alarms.table.signals, falling, {0: [ahead]}, Moment(us(0), sources())
    )
    assert message.forecasts[0].time_to_limit is not None
    assert message.forecasts[0].time_to_limit[0].text == ahead.text
    assert message.forecasts[0].reached == [0.9, None, 0.8]
    assert message.forecasts[1].time_to_limit is None


def test_a_silent_model_says_of_no_limit() -> None:
    alarms = alarms_of_a_unit()
    assert limits_ahead(foresaid([30.0, 10.0, 0.0], 2.0, silent=True), alarms.table.signals) == {}


def play_ahead(alarms: AlarmWatch, ahead: Foresaid) -> list[AlarmTransition]:
    told = []
    for second in range(30, 400, 30):
        moment = Moment(us(second), sources(second))
        found = limits_ahead(ahead, alarms.table.signals)
        told += judge_limits_ahead(found, ahead.ref, alarms, moment)
    return told


def test_a_limit_that_will_surely_come_soon_is_an_alarm_in_time() -> None:
    alarms = alarms_of_a_unit()
    (told,) = play_ahead(alarms, foresaid([36.0, low_of_do(alarms), 0.0], 2.0))
    assert (told.signal, told.condition, told.event) == ("DO", "time_to_limit", "raised")
    assert "DO reaches" in told.message


class Ahead(Script):
    """A layer that forecasts what it was given."""

    def __init__(self, ahead: Foresaid) -> None:
        super().__init__()
        self.value, self._outlooks = ahead.now, ahead.outlooks

    def outlook(self) -> Outlooks:
        return self._outlooks


def test_a_time_to_limit_ends_when_the_model_that_forecast_it_goes_out_of_service() -> None:
    layer = Ahead(foresaid([36.0, low_of_do(alarms_of_a_unit()), 0.0], 2.0))
    recipe = forecast_recipe.shipped()
    lineup = Lineup((Choice("forecast", "champion", recipe, lambda: layer),))
    player = Player(UnitWatch("north", "BR-01", choose=lambda _: lineup))
    (raised,) = player.run(200, lambda _: VALUES)
    assert (raised.signal, raised.condition) == ("DO", "time_to_limit")
    layer.says = BROKEN
    (ended,) = player.run(500, lambda _: VALUES)
    assert (ended.signal, ended.condition, ended.event) == ("DO", "time_to_limit", "cleared")
    gone = f"DO is no longer forecast: its model {recipe.name} {recipe.version} has gone out of service. "
    assert ended.message.startswith(gone)


def test_a_limit_that_may_not_come_or_is_far_away_is_no_alarm() -> None:
    alarms = alarms_of_a_unit()
    low = low_of_do(alarms)
    assert play_ahead(alarms, foresaid([36.0, low, 0.0], 60.0)) == []
    assert play_ahead(alarms, foresaid([39.0, 38.0, low - 1.0], 0.5)) == []


def test_forecasts_that_are_no_numbers_are_not_told() -> None:
    alarms = alarms_of_a_unit()
    nothing = foresaid([np.nan, np.nan, np.nan], 1.0)
    nothing.outlooks.value[1] = np.nan
    assert forecast_message(("n", "u"), alarms.table.signals, nothing, {}, Moment(us(0), sources())) == []
