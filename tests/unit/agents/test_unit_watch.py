"""One unit: alarms that are few, true and early, scores, forecasts; and no frame that could break it."""

from __future__ import annotations

import math
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.models import residual
from agents.models.forecasting import recipe as forecast_recipe
from agents.models.lineup import Choice, ordered
from agents.models.residual import ResidualLayer
from agents.unit_watch import UnitWatch
from schemas.alarm import AlarmTransition
from schemas.decoding import Frame
from schemas.forecast import ForecastMessage
from schemas.score import ScoreMessage
from schemas.signals import DICTIONARY
from schemas.status import Status
from simulator.faulting.fault import parse
from simulator.fleet import Fleet, Reactor
from tests.unit.agents.frames import (
    NORMAL,
    T0_US,
    Player,
    column,
    frame,
    frame_of,
    sources,
    told,
    us,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.step import SignalScores, Step


MODELLED = (
    "pH",
    "DO",
    "temperature",
    "agitation",
    "gas_flow",
    "volume",
    "offgas_O2",
    "offgas_CO2",
    "pressure",
)
"""Signals of a culture by which models are tried; the others hardly move or only count up."""


@cache
def grown(seed: int, start_h: float, vessel: str) -> Fleet:
    return Fleet([Reactor("BR-01", "e_coli", vessel, seed)], start_h=start_h)


def simulated(seed: int, start_h: float = 0.0, vessel: str = "2L") -> tuple[Player, Fleet]:
    return Player(UnitWatch("north", "BR-01")), deepcopy(grown(seed, start_h, vessel))


def play(
    player: Player, fleet: Fleet, seconds: int, signals: tuple[str, ...] | None = None
) -> list[AlarmTransition]:
    def readings(_: float) -> Mapping[str, float | None]:
        (row,) = fleet.step().rows()
        return row.values if signals is None else {name: row.values[name] for name in signals}

    return player.run(seconds, readings, noise=False)


def scores(player: Player) -> list[ScoreMessage]:
    return [output for output in player.outputs if isinstance(output, ScoreMessage)]


def forecasts(player: Player) -> list[ForecastMessage]:
    return [output for output in player.outputs if isinstance(output, ForecastMessage)]


@pytest.mark.parametrize(
    ("seed", "start_h", "vessel"),
    [(1, 0.0, "2L"), (2, 6.0, "2L"), (4, 12.0, "2L"), (5, 6.0, "200L"), (6, 8.0, "25000L")],
)
def test_a_healthy_culture_raises_no_alarm_not_even_at_its_start(
    seed: int, start_h: float, vessel: str
) -> None:
    player, fleet = simulated(seed, start_h, vessel)
    assert told(play(player, fleet, 900)) == []


def test_a_healthy_induction_at_30_degrees_raises_no_alarm() -> None:
    fleet = Fleet([Reactor("BR-01", "e_coli", "2L", 1)], start_h=16.3, step_s=10.0)
    watch = UnitWatch("north", "BR-01")
    outputs: list[Any] = []
    celsius = []
    for second in range(0, 5400, 10):
        (row,) = fleet.step().rows()
        sent = {name: row.values[name] for name in MODELLED}
        outputs += watch.on_frame(frame(sent, second), us(second), sources())
        celsius.append(sent["temperature"])
    assert told(outputs) == []
    assert max(celsius[:60]) > 36.5
    assert celsius[-1] == pytest.approx(30.0, abs=0.5)


GLASS_2_L = {"pressure": 1.05, "volume": 1.5, "weight": 1.6, "gas_flow": 1.5, "feed_rate": 0.01, "power": 2.0}
STEEL_200_L = {
    "pressure": 1.3,
    "volume": 150.0,
    "weight": 160.0,
    "gas_flow": 150.0,
    "feed_rate": 1.2,
    "power": 110.0,
    "agitation": 250.0,
    "offgas_flow": 148.0,
    "base_total": 3.0,
    "cooling_valve": 40.0,
}
STEEL_25_M3 = {"pressure": 1.9, "volume": 18_000.0, "weight": 19e3, "gas_flow": 9000.0, "agitation": 100.0}


@pytest.mark.parametrize("vessel", [GLASS_2_L, STEEL_200_L, STEEL_25_M3], ids=["2 L", "200 L", "25 m3"])
def test_a_healthy_vessel_of_any_size_raises_no_alarm(vessel: dict[str, float]) -> None:
    player = Player(UnitWatch("north", "BR-01"))
    assert told(player.run(600, lambda _: {**NORMAL, **vessel})) == []


def test_a_lost_stirrer_is_told_within_seconds_with_what_to_do() -> None:
    player, fleet = simulated(4, 12.0)
    play(player, fleet, 60)
    fleet.inject(parse("lost_stirrer@60-180"))
    outputs = play(player, fleet, 120)
    first = outputs[0]
    assert (first.signal, first.condition, first.event) == ("agitation", "low", "raised")
    assert (first.time_us - us(60)) / 1e6 < 10
    assert first.value is not None
    assert first.value < 20.0
    assert first.limit == 20.0
    assert first.unit_code == "{#}.min-1"
    assert first.sample_us is not None
    assert first.since_us == first.time_us
    assert first.state == "unacknowledged"
    assert first.message.startswith("The stirrer turns at ")
    assert "below the low limit of 20 /min, since 14:14:2" in first.message
    assert first.action.startswith("Stop the feed.")
    assert first.cause
    assert first.consequence
    assert first.respond_within_s == 120
    assert ("DO", "low", "raised") in told(outputs)
    back = play(player, fleet, 300)
    assert ("agitation", "low", "cleared") in told(back)
    cleared = next(each for each in back if each.signal == "agitation")
    assert cleared.message.startswith("agitation is no longer low after ")
    assert cleared.since_us == first.time_us
    assert cleared.state == "normal"


def test_a_hanging_probe_is_told_and_nothing_else_is() -> None:
    player, fleet = simulated(2, 6.0)
    play(player, fleet, 120)
    fleet.inject(parse("frozen_probe:pH@120"))
    outputs = play(player, fleet, 640)
    assert told(outputs) == [("pH", "frozen", "raised")]


def test_a_lost_device_is_one_alarm_that_ends_with_its_return() -> None:
    player, fleet = simulated(2, 6.0)
    play(player, fleet, 60)
    assert told(player.silence(100)) == [("device", "silent", "raised")]
    assert told(play(player, fleet, 30)) == [("device", "silent", "cleared")]


def test_a_vessel_that_is_being_prepared_does_not_alarm() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    cold = {"DO": 3.0, "pH": 6.0, "temperature": 22.0, "agitation": 0.0, "gas_flow": 0.0}
    assert told(player.run(900, lambda _: cold)) == []


def test_an_alarm_is_armed_as_soon_as_its_value_was_once_normal() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(1)
    outputs = player.run(10, lambda _: {**NORMAL, "agitation": 0.0})
    assert told(outputs) == [("agitation", "low", "raised")]


def test_a_vessel_that_is_abnormal_from_the_first_is_told_when_its_grace_is_over() -> None:
    watch = UnitWatch("north", "BR-01")
    outputs: list[Any] = []
    for second in range(0, 1900, 10):
        outputs += watch.on_frame(frame({"agitation": 0.0}, second), us(second), sources())
    assert told(outputs) == [("agitation", "low", "raised")]
    raised = next(output for output in outputs if isinstance(output, AlarmTransition))
    assert (raised.time_us - T0_US) / 1e6 == pytest.approx(1800, abs=20)


def test_a_delay_runs_out_without_a_frame_of_the_unit() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(5)
    low = {**NORMAL, "agitation": 0.0}
    player.watch.on_frame(frame(low, player.second), us(player.second), sources())
    outputs = player.silence(10)
    assert told(outputs) == [("agitation", "low", "raised")]
    assert outputs[0].value == 0.0
    assert outputs[0].sample_us == us(5)


def test_outputs_of_one_message_are_numbered_in_their_order() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(700)
    low = {**NORMAL, "agitation": 0.0, "DO": 150.0}
    at = sources(7)
    outputs: list[Any] = []
    for second in range(700, 705):
        outputs += player.watch.on_frame(frame(low, second), us(second + 10), at)
    assert [output.source.index for output in outputs] == list(range(len(outputs)))
    assert len(told(outputs)) >= 2
    assert all(output.source.offset == 7 for output in outputs)


def test_each_frame_gets_one_score_a_signal_and_the_worst_sample_has_it() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(700)
    time_s = [700.0, 700.2, 700.4]
    outputs = player.watch.on_frame(
        frame_of(column("DO", [40.1, 47.0, 39.9], time_s), column("pH", [7.0, 7.0, 7.0], time_s)),
        us(700.5),
        sources(),
    )
    message = next(output for output in outputs if isinstance(output, ScoreMessage))
    by_signal = {score.signal: score for score in message.scores}
    assert set(by_signal) == {"DO", "pH"}
    worst = by_signal["DO"]
    assert (worst.time_us, worst.value, worst.suspect) == (us(700.2), 47.0, True)
    assert worst.expected == pytest.approx(40.0, abs=1.0)
    assert worst.score > residual.shipped().suspect_at
    assert not by_signal["pH"].suspect
    assert (message.model, message.layer, message.role) == (residual.shipped().ref, "residual", "champion")


def test_models_are_silent_in_their_grace_period_and_healthy_samples_are_rarely_suspect() -> None:
    player, fleet = simulated(1)
    play(player, fleet, 290, MODELLED)
    assert scores(player) == []
    play(player, fleet, 900, MODELLED)
    rows = [score for message in scores(player) for score in message.scores]
    assert {score.signal for score in rows} == set(MODELLED)
    assert sum(score.suspect for score in rows) <= len(rows) * 0.002
    assert any(score.learned for score in rows)


def test_forecasts_come_every_thirty_seconds_with_their_horizons() -> None:
    player, fleet = simulated(2, 6.0)
    play(player, fleet, 2400, MODELLED)
    messages = forecasts(player)
    gaps = np.diff([message.made_us for message in messages]) / 1e6
    assert set(gaps.tolist()) == {30.0}
    last = {each.signal: each for each in messages[-1].forecasts}
    assert set(last) == set(MODELLED)
    assert last["DO"].horizon_s[:2] == [60.0, 300.0]
    assert last["DO"].unit_code == "%"
    assert last["DO"].coverage == 0.9
    assert last["DO"].silent is not None
    assert last["DO"].reached is not None
    assert messages[-1].model == forecast_recipe.shipped().ref


class Raising(ResidualLayer):
    """A layer that fails on some values."""

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores:
        if ((step.value > 90.0) & (step.value < 110.0)).any():
            raise ArithmeticError("injected")
        return super().take(step, doubted)


def test_a_layer_that_raises_is_out_of_service_and_limits_and_the_other_layers_go_on() -> None:
    unit, signal = (
        Choice(kind, "champion", residual.shipped(), build)
        for kind, build in (
            ("multivariate", lambda: Raising(residual.shipped())),
            ("residual", lambda: ResidualLayer(residual.shipped())),
        )
    )
    lineup = ordered([unit, signal])
    player = Player(UnitWatch("north", "BR-01", choose=lambda _: lineup))
    player.run(400, lambda _: {"DO": 40.0, "agitation": 600.0, "X9": 1.0})
    assert player.watch.model_faults == {}
    player.run(100, lambda _: {"DO": 40.0, "agitation": 600.0, "X9": 100.0})
    assert list(player.watch.model_faults) == [unit.name]
    assert "injected" in player.watch.model_faults[unit.name]
    player.outputs.clear()
    outputs = player.run(20, lambda _: {"DO": 40.0, "X9": 100.0, "agitation": 0.0})
    assert ("agitation", "low", "raised") in told(outputs)
    layers = {message.layer for message in scores(player)}
    assert layers == {"residual"}


def test_a_signal_outside_the_dictionary_keeps_its_first_unit() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    for second in range(800):
        first = column("X1", [5.0 + second % 3], [second], unit="g.L-1")
        player.watch.on_frame(frame_of(first), us(second), sources())
    other = column("X1", [5e6], [800.0], unit="ug.L-1")
    assert player.watch.on_frame(frame_of(other), us(800), sources()) == []


def test_a_frame_that_only_declares_drops_shows_that_the_device_lives() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(20)
    drops = Frame("north", "BR-01", "ctl", 1, 9, None, (), {}, ((3, 5),))
    for second in range(20, 60, 10):
        assert player.watch.on_frame(drops, us(second), sources()) == []
        assert player.watch.on_tick(us(second + 9), sources()) == []


def test_all_samples_missing_is_no_fault_of_the_watch() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    assert player.run(30, lambda _: dict.fromkeys(NORMAL)) == []
    assert told(player.run(30)) == []


def test_one_value_a_day_is_enough_to_go_on() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    for day in range(40):
        outputs = player.watch.on_frame(
            frame({"OD": 0.5 + 0.1 * day}, day * 86_400.0), us(day * 86_400.0), sources()
        )
        assert all(each[0] == "device" for each in told(outputs))


def test_the_same_frames_give_the_same_outputs() -> None:
    def once() -> list[bytes]:
        player, fleet = simulated(4, 12.0)
        play(player, fleet, 400)
        fleet.inject(parse("lost_stirrer@400"))
        play(player, fleet, 200)
        return [output.encode() for output in player.outputs]  # type: ignore[attr-defined]  # wire models all

    assert once() == once()


value = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1e9, -1e9, 40.0, 7.0, 1.7e308, -1.7e308, 5e-324]),
)
name = st.sampled_from(["DO", "pH", "agitation", "temperature", "OD", "X1", "X2"])
second = st.one_of(st.floats(-1e6, 1e6), st.integers(0, 3000).map(float))


@st.composite
def columns(draw: st.DrawFn) -> dict[str, tuple[list[float | None], list[float]]]:
    made = {}
    for each in draw(st.sets(name, max_size=4)):
        times = sorted(set(draw(st.lists(second, min_size=1, max_size=6))))
        made[each] = ([draw(value) for _ in times], times)
    return made


steps = st.lists(st.tuples(st.floats(-2000.0, 5000.0), st.integers(1, 30), columns()), max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_no_frames_whatever_make_it_raise_or_say_what_is_no_number(
    steps: list[tuple[float, int, Mapping[str, tuple[list[float | None], list[float]]]]],
) -> None:
    watch = UnitWatch("north", "BR-01")
    now_s = 0.0
    for gap_s, times, made in steps:
        for repeat in range(times):
            now_s += gap_s / times
            shifted = [
                column(each, values, [at_s + repeat for at_s in time_s])
                for each, (values, time_s) in made.items()
            ]
            outputs: list[Any] = [*watch.on_frame(frame_of(*shifted), us(now_s), sources())]
            outputs += watch.on_tick(us(now_s + 1.0), sources())
            for output in outputs:
                assert type(output).decode(output.encode()) == output
            for output in outputs:
                if isinstance(output, ScoreMessage):
                    assert all(math.isfinite(each.score) and each.score >= 0 for each in output.scores)
    restored = UnitWatch.restore("north", "BR-01", watch.snapshot())
    assert restored.snapshot() == watch.snapshot()


def test_a_constant_signal_outside_the_dictionary_gets_scores_that_are_numbers() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(600, lambda _: {"X1": 0.0, "X2": 1e29, "X3": -1e-300}, noise=False)
    player.run(30, lambda _: {"X1": 1e-9, "X2": -1e30, "X3": 1e300}, noise=False)
    rows = [score for message in scores(player) for score in message.scores]
    assert {score.signal for score in rows} == {"X1", "X2", "X3"}
    assert all(math.isfinite(score.score) for score in rows)


def test_bad_samples_are_not_scored() -> None:
    player = Player(UnitWatch("north", "BR-01"))
    player.run(700)
    bad = column("DO", [500.0], [700.0], status=Status.BAD_SENSOR_FAILURE)
    assert player.watch.on_frame(frame_of(bad), us(700), sources()) == []


def test_every_signal_of_the_dictionary_at_normal_noise_is_quiet_for_a_quarter_of_an_hour() -> None:
    middle = {each: sum(spec.plausible) / 2 for each, spec in DICTIONARY.items()}
    middle |= NORMAL | {"pressure": 1.05, "volume": 1.5}
    player = Player(UnitWatch("north", "BR-01"))
    assert told(player.run(900, lambda _: middle)) == []
