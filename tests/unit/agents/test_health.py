"""Signal health: jumps, standing still, stopping; and what looks like them and is healthy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from schemas.signals import DICTIONARY
from schemas.status import Status
from tests.unit.agents.frames import (
    NORMAL,
    AlarmsAlone,
    Player,
    column,
    frame,
    frame_of,
    noisy,
    sources,
    told,
    transitions,
    us,
)

Values = Callable[[int], Mapping[str, float | None]]


@pytest.fixture
def player() -> Player:
    return Player(AlarmsAlone())


def with_signal(name: str, value: Callable[[int], float | None]) -> Values:
    return lambda second: {**NORMAL, name: value(second)}


def frozen_do(from_s: int) -> Values:
    """DO with its noise until it hangs; the other signals live on."""

    def values(second: int) -> Mapping[str, float | None]:
        return noisy(NORMAL, second) | {"DO": noisy(NORMAL, min(second, from_s))["DO"]}

    return values


def test_a_value_outside_its_plausible_range_is_a_fault_of_the_sensor_alone(player: Player) -> None:
    player.run(60)
    outputs = player.run(20, with_signal("pH", lambda _: 14.0))
    assert told(outputs) == [("pH", "range", "raised")]
    assert outputs[0].limit == pytest.approx(12.015)
    assert "not possible" in outputs[0].message


def test_a_value_just_beyond_its_range_by_noise_is_none(player: Player) -> None:
    assert told(player.run(120, with_signal("gas_flow", lambda _: 0.0))) == []


def test_a_zero_that_is_a_little_off_in_a_large_vessel_is_no_fault_of_the_sensor(player: Player) -> None:
    empty = {"weight": -12.0, "offgas_flow": -40.0, "power": -200.0}
    assert told(player.run(60, lambda _: {**NORMAL, **empty})) == []


@pytest.mark.parametrize("litres", [0.01, 2.0, 200.0, 100_000.0])
def test_what_a_vessel_of_any_size_reads_is_plausible(player: Player, litres: float) -> None:
    grown = {
        "gas_flow": 2.0 * litres,
        "weight": 1.1 * litres,
        "volume": litres,
        "feed_rate": 0.2 * litres,
        "base_total": 0.1 * litres,
        "power": 5.0 * litres,
    }
    assert [each for each in told(player.run(30, lambda _: {**NORMAL, **grown})) if each[1] == "range"] == []


def test_what_no_vessel_can_read_is_a_fault_of_the_sensor(player: Player) -> None:
    outputs = player.run(30, lambda _: {**NORMAL, "gas_flow": 1e6, "weight": -1e4, "agitation": 6000.0})
    assert {each[:2] for each in told(outputs)} == {
        ("gas_flow", "range"),
        ("weight", "range"),
        ("agitation", "range"),
    }


def test_a_possible_value_far_from_normal_is_not_a_fault_of_the_sensor(player: Player) -> None:
    player.run(60)
    assert ("temperature", "range", "raised") not in told(
        player.run(60, with_signal("temperature", lambda second: 37.0 + 0.05 * (second - 60)))
    )


def test_a_jump_faster_than_the_process_can_move_is_told_and_clears_by_itself(player: Player) -> None:
    player.run(60)
    outputs = player.run(90, with_signal("DO", lambda _: 70.0))
    assert told(outputs) == [("DO", "rate", "raised"), ("DO", "rate", "cleared")]
    raised = outputs[0]
    assert raised.value == pytest.approx(1800.0, rel=0.1)
    assert raised.limit == DICTIONARY["DO"].max_rate_per_min
    assert raised.sample_us == us(60)
    assert (outputs[1].time_us - raised.time_us) / 1e6 == pytest.approx(61, abs=1)


def test_noise_is_no_jump_however_fast_it_is_sampled(player: Player) -> None:
    random = np.random.default_rng(1)
    for second in range(100):
        time_s = [second + tenth / 10 for tenth in range(10)]
        values = (40.0 + 0.3 * random.standard_normal(10)).tolist()
        outputs = player.watch.on_frame(frame_of(column("DO", values, time_s)), us(second + 1), sources())
        assert told(outputs) == []


def test_a_change_over_a_long_gap_is_no_jump(player: Player) -> None:
    player.watch.on_frame(frame({"DO": 40.0}, 0), us(0), sources())
    assert told(player.watch.on_frame(frame({"DO": 90.0}, 60), us(60), sources())) == []


def test_a_probe_that_hangs_is_frozen_after_its_time(player: Player) -> None:
    assert told(player.run(120, frozen_do(10_000), noise=False)) == []
    outputs = player.run(320, frozen_do(119), noise=False)
    assert told(outputs) == [("DO", "frozen", "raised")]
    after_s = (outputs[0].time_us - us(120)) / 1e6
    assert after_s == pytest.approx(DICTIONARY["DO"].frozen_after_s or 0, abs=3)
    assert "5 min" in outputs[0].message
    assert outputs[0].value == pytest.approx(40.0, abs=1.0)


def test_a_probe_that_moves_again_clears_the_alarm(player: Player) -> None:
    player.run(120, frozen_do(10_000), noise=False)
    player.run(320, frozen_do(119), noise=False)
    outputs = player.run(30, frozen_do(10_000), noise=False)
    assert told(outputs) == [("DO", "frozen", "cleared")]


def test_a_signal_of_coarse_resolution_that_stands_for_minutes_is_healthy(player: Player) -> None:
    random = np.random.default_rng(2)
    walk = np.round(np.cumsum(0.003 * random.standard_normal(2000)) + 40.0, 1)
    flat = np.diff(np.flatnonzero(np.diff(walk)))
    assert flat.max() > 150
    assert told(player.run(2000, lambda second: {"DO": float(walk[second])}, noise=False)) == []


def test_a_setpoint_may_stand_for_ever(player: Player) -> None:
    constant = with_signal("agitation", lambda _: 600.0)
    values = lambda second: {**noisy(NORMAL, second), "agitation": constant(second)["agitation"]}  # noqa: E731 - read once
    assert told(player.run(1200, values, noise=False)) == []


def test_report_by_exception_is_silence_while_nothing_changes_and_no_fault(player: Player) -> None:
    random = np.random.default_rng(3)
    due = np.cumsum(random.integers(2, 55, size=110)).tolist()
    changes = {second: 40.0 + random.standard_normal() for second in due}

    def values(second: int) -> Mapping[str, float | None]:
        others = {**noisy({"agitation": 600.0, "pH": 7.0}, second)}
        return {**others, **({"DO": changes[second]} if second in changes else {})}

    assert told(player.run(3000, values, noise=False)) == []


def test_a_signal_outside_the_dictionary_has_no_health_rules(player: Player) -> None:
    wild = [0.0] * 700 + [1e6] * 10 + [-1e6] * 10
    assert told(player.run(720, lambda second: {"X1": wild[second]}, noise=False)) == []


def test_one_signal_that_stops_while_the_device_goes_on_is_stale(player: Player) -> None:
    player.run(60)
    outputs = player.run(90, lambda _: {"pH": 7.0, "temperature": 37.0, "agitation": 600.0})
    assert told(outputs) == [("DO", "stale", "raised")]
    assert (outputs[0].time_us - us(60)) / 1e6 == pytest.approx(60, abs=2)
    assert outputs[0].sample_us is None
    assert outputs[0].unit_code == "s"
    assert told(player.run(5)) == [("DO", "stale", "cleared")]


def test_a_signal_that_sends_only_bad_samples_is_stale(player: Player) -> None:
    player.run(60)
    assert told(player.run(70, with_signal("DO", lambda _: None))) == [("DO", "stale", "raised")]


def test_a_silent_device_is_one_alarm_and_not_one_for_each_signal(player: Player) -> None:
    player.run(60)
    outputs = player.silence(600)
    assert told(outputs) == [("device", "silent", "raised")]
    assert (outputs[0].time_us - us(59)) / 1e6 == pytest.approx(16, abs=1)
    assert told(player.run(10)) == [("device", "silent", "cleared")]


def test_a_device_that_reports_once_a_minute_is_silent_after_three_minutes(player: Player) -> None:
    watch = player.watch
    outputs: list[object] = []
    for second in range(1800):
        if second % 60 == 0:
            outputs += watch.on_frame(frame(noisy(NORMAL, second), second), us(second), sources())
        outputs += watch.on_tick(us(second), sources())
    # Its first gap nobody can know; after that it is what is usual.
    assert told(outputs) == [("device", "silent", "raised"), ("device", "silent", "cleared")]
    player.second = 1800
    outputs = [*player.silence(300)]
    assert told(outputs) == [("device", "silent", "raised")]
    assert (transitions(outputs)[0].time_us - us(1740)) / 1e6 == pytest.approx(180, abs=2)


def test_an_outage_does_not_make_the_watch_more_patient(player: Player) -> None:
    player.run(60)
    player.silence(3600)
    player.run(5)
    outputs = player.silence(60)
    assert told(outputs) == [("device", "silent", "raised")]
    assert (outputs[0].time_us - us(player.second - 60)) / 1e6 == pytest.approx(15, abs=1)


def test_after_a_silence_each_signal_has_its_time_again(player: Player) -> None:
    player.run(60)
    player.silence(300)
    only_ph = lambda _: {"pH": 7.0}  # noqa: E731 - read twice, on this line and the next
    assert told(player.run(50, only_ph)) == [("device", "silent", "cleared")]
    assert ("DO", "stale", "raised") in told(player.run(30, only_ph))


def test_a_slow_signal_may_be_slow(player: Player) -> None:
    outputs = player.run(3000, lambda second: {"pH": 7.0, **({"DO": 40.0} if second % 120 == 0 else {})})
    assert told(outputs) == []


def test_a_device_clock_far_ahead_is_told_once_and_clears(player: Player) -> None:
    watch = player.watch
    outputs: list[object] = []
    for second in range(100):
        ahead_s = 3600 if 20 <= second < 40 else 0
        outputs += watch.on_frame(frame(noisy(NORMAL, second), second + ahead_s), us(second), sources())
        outputs += watch.on_tick(us(second), sources())
    clock = [each for each in transitions(outputs) if each.signal == "device"]
    assert told(clock) == [("device", "clock", "raised"), ("device", "clock", "cleared")]
    assert clock[0].value == pytest.approx(3600)
    assert "60 min" in clock[0].message


def test_a_clock_set_back_does_not_blind_the_watch(player: Player) -> None:
    watch = player.watch
    for second in range(60):
        watch.on_frame(frame(noisy(NORMAL, second), second + 3600), us(second), sources())
    outputs: list[object] = []
    for second in range(60, 160):
        values = {**NORMAL, "agitation": 0.0}
        outputs += watch.on_frame(frame(noisy(values, second), second), us(second), sources())
    assert ("agitation", "low", "raised") in told(outputs)


def test_late_samples_are_history_and_raise_nothing(player: Player) -> None:
    player.run(100)
    late = frame({**NORMAL, "agitation": 0.0, "DO": 1.0}, 50)
    for _ in range(20):
        assert told(player.watch.on_frame(late, us(player.second), sources())) == []
        player.run(1)


def test_uncertain_samples_are_judged_and_bad_ones_are_not(player: Player) -> None:
    player.run(60)
    watch = player.watch
    for second in range(60, 70):
        bad = column("agitation", [0.0], [second], status=Status.BAD_SENSOR_FAILURE)
        assert told(watch.on_frame(frame_of(bad), us(second), sources())) == []
    outputs: list[object] = []
    for second in range(70, 80):
        uncertain = column("agitation", [0.0], [second], status=Status.UNCERTAIN_SENSOR_NOT_ACCURATE)
        outputs += watch.on_frame(frame_of(uncertain), us(second), sources())
    assert told(outputs) == [("agitation", "low", "raised")]
