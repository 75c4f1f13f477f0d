"""Spikes, clipping, service and set points: what is found, who is told, and what a model must not learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import health
from agents.health_verdict import Health, verdict
from schemas.alarm import AlarmTransition
from schemas.ne107 import Ne107
from schemas.signals import DICTIONARY
from schemas.status import Severity, Status, severity_of
from simulator.faulting.fault import parse
from simulator.fleet import Fleet, Reactor
from tests.unit.agents.frames import (
    NORMAL,
    AlarmsAlone,
    Player,
    column,
    frame_of,
    noisy,
    sources,
    told,
    us,
)

Values = Callable[[int], Mapping[str, float | None]]


@pytest.fixture
def player() -> Player:
    return Player(AlarmsAlone())


def slot(player: Player, name: str) -> int:
    return [signal.name for signal in player.watch.alarms.table.signals].index(name)


def found(player: Player, name: str = "DO") -> Health:
    return Health(int(player.watch.alarms.health[slot(player, name)]))


def unfit(player: Player, name: str = "DO") -> bool:
    return bool(player.watch.alarms.unfit[slot(player, name)])


def spiking(every_s: int, size: float = 20.0, lasting: int = 1) -> Values:
    return lambda second: {**NORMAL, "DO": 40.0 + (size if second % every_s < lasting else 0.0)}


def test_single_readings_that_leap_and_return_raise_nothing(player: Player) -> None:
    player.run(99)
    assert told(player.run(1800, spiking(300))) == []


def test_a_spike_is_no_jump_however_high_it_is(player: Player) -> None:
    player.run(99)
    assert [each for each in told(player.run(600, spiking(200, 100.0))) if each[1] == "rate"] == []


def test_what_leaps_is_unfit_to_learn_from_while_it_is_off(player: Player) -> None:
    player.run(100)
    assert not unfit(player)
    player.run(1, lambda _: {**NORMAL, "DO": 60.0})
    assert (unfit(player), found(player)) == (True, Health.SPIKE)
    assert not unfit(player, "pH")
    player.run(2)
    assert (unfit(player), found(player)) == (False, Health.GOOD)


def test_a_leap_that_stays_is_a_step_after_three_readings(player: Player) -> None:
    player.run(100)
    outputs = player.run(20, lambda _: {**NORMAL, "DO": 70.0})
    assert told(outputs) == [("DO", "rate", "raised")]
    assert outputs[0].sample_us == us(100)
    assert not unfit(player)


def test_frequent_spikes_are_told_once_and_clear_when_they_stop(player: Player) -> None:
    player.run(99)
    outputs = player.run(900, spiking(20))
    assert told(outputs) == [("DO", "spike", "raised")]
    assert "6 spikes" in outputs[0].message
    assert outputs[0].unit_code == "1"
    assert told(player.run(3000)) == [("DO", "spike", "cleared")]


def test_spikes_of_two_readings_are_spikes(player: Player) -> None:
    player.run(99)
    assert told(player.run(300, spiking(20, lasting=2))) == [("DO", "spike", "raised")]


def test_living_noise_of_any_size_is_no_spike(player: Player) -> None:
    random = np.random.default_rng(5)
    wild = (40.0 + 4.0 * random.standard_normal(4000)).tolist()
    outputs = player.run(4000, lambda second: {**NORMAL, "DO": wild[second]})
    assert [each for each in told(outputs) if each[1] == "spike"] == []


def test_a_pump_that_is_switched_on_and_off_does_not_spike(player: Player) -> None:
    switched = lambda second: {  # noqa: E731 - read once
        **NORMAL,
        "base_pump": 100.0 * (second % 20 == 0),
        "agitation": 600.0 + 50.0 * (second % 20 == 0),
        "gas_flow": 2.0 - 1.5 * (second % 15 == 0),
        "weight": 2.0 + 0.3 * (second % 30 == 0),
    }
    assert told(player.run(900, switched)) == []


def ceiling_at(value: float, from_s: int) -> Values:
    """DO waves up and down by 10 % in four minutes; from then on never reads more than `value`."""

    def values(second: int) -> Mapping[str, float | None]:
        true = noisy(NORMAL | {"DO": 40.0 + 10.0 * np.sin(second / 40.0)}, second)
        return true | {"DO": min(true["DO"], value) if second >= from_s else true["DO"]}

    return values


def test_a_reading_that_comes_back_to_the_same_ceiling_is_clipped(player: Player) -> None:
    assert told(player.run(1000, ceiling_at(45.0, 99_999), noise=False)) == []
    outputs = player.run(600, ceiling_at(45.0, 1000), noise=False)
    assert told(outputs)[0] == ("DO", "clipping", "raised")
    assert outputs[0].value == 45.0
    assert (outputs[0].time_us - us(1000)) / 1e6 < 420
    assert [each for each in told(outputs) if each[1] == "frozen"] == []


def test_a_reading_at_the_end_of_its_range_is_clipped(player: Player) -> None:
    player.run(100)
    player.run(200, lambda second: {**NORMAL, "pH": min(12.0, 7.0 + (second - 99) * 0.03)})
    outputs = player.run(60, lambda second: {**noisy(NORMAL, second), "pH": 12.0}, noise=False)
    assert ("pH", "clipping", "raised") in told(outputs)
    assert (found(player, "pH"), unfit(player, "pH")) == (Health.CLIPPING, True)


def test_a_signal_of_coarse_resolution_that_swings_is_not_clipped(player: Player) -> None:
    coarse = lambda second: {**noisy(NORMAL, second), "DO": round(40.0 + 5.0 * np.sin(second / 60.0))}  # noqa: E731 - read once
    assert told(player.run(4000, coarse, noise=False)) == []


def test_oxygen_that_is_at_zero_for_want_of_it_is_not_called_clipped(player: Player) -> None:
    player.run(100)
    empty = player.run(200, lambda second: {**noisy(NORMAL, second), "DO": 0.0}, noise=False)
    assert "clipping" not in {each[1] for each in told(empty)}


def off(second: int, status: Status = Status.BAD_OUT_OF_SERVICE) -> Any:
    others = {name: value for name, value in noisy(NORMAL, second).items() if name != "DO"}
    good = [column(name, [value], [second]) for name, value in others.items()]
    bad = column("DO", [40.0], [second])
    bad.status[:] = status
    return frame_of(*good, bad)


def without_do(
    player: Player, seconds: int, status: Status = Status.BAD_OUT_OF_SERVICE
) -> list[AlarmTransition]:
    outputs: list[AlarmTransition] = []
    for _ in range(seconds):
        outputs += player.watch.on_frame(off(player.second, status), us(player.second + 0.2), sources())
        player.second += 1
    return outputs


def test_a_signal_that_its_device_took_out_of_service_is_not_stale(player: Player) -> None:
    player.run(60)
    assert told(without_do(player, 600)) == []
    assert (found(player), unfit(player)) == (Health.OUT_OF_SERVICE, True)
    assert told(player.run(10)) == []
    assert (found(player), unfit(player)) == (Health.GOOD, False)


def test_a_signal_that_is_bad_for_another_reason_is(player: Player) -> None:
    player.run(60)
    assert told(without_do(player, 600, Status.BAD_SENSOR_FAILURE)) == [("DO", "stale", "raised")]
    assert found(player) is Health.STALE


def test_its_alarms_end_as_it_is_taken_out_of_service(player: Player) -> None:
    player.run(60)
    low = player.run(130, lambda second: {**NORMAL, "DO": max(12.0, 40.0 - (second - 60))})
    assert told(low) == [("DO", "low", "raised")]
    assert told(without_do(player, 60)) == [("DO", "low", "cleared")]


def test_a_reading_that_no_sensor_can_give_is_shown_as_such(player: Player) -> None:
    player.run(20, lambda _: {**NORMAL, "pH": 14.0})
    assert (found(player, "pH"), unfit(player, "pH")) == (Health.OUT_OF_RANGE, True)


def test_a_wrong_clock_is_shown_of_every_signal_and_leaves_the_values_fit(player: Player) -> None:
    player.run(5)
    for second in range(5, 15):
        values = noisy(NORMAL, second)
        ahead = frame_of(*(column(name, [value], [second + 3600]) for name, value in values.items()))
        player.watch.on_frame(ahead, us(second), sources())
    assert {found(player, name) for name in NORMAL} == {Health.CLOCK}
    assert not player.watch.alarms.unfit.any()


def test_a_vessel_in_service_is_out_of_service_in_every_signal(player: Player) -> None:
    player.run(60)
    player.tell("start", phase="CIP")
    player.run(5)
    assert {found(player, name) for name in NORMAL} == {Health.OUT_OF_SERVICE}


def test_a_value_moves_on_purpose_after_its_set_point_was_changed(player: Player) -> None:
    def stepped(setpoint: float) -> Values:
        return lambda second: {
            **NORMAL,
            "DO_setpoint": 40.0 if second < 100 else setpoint,
            "DO": 40.0 if second < 105 else 80.0,
        }

    assert told(player.run(200, stepped(80.0))) == []
    other = Player(AlarmsAlone())
    assert told(other.run(200, stepped(40.0)))[0] == ("DO", "rate", "raised")


def test_a_pump_that_stands_is_not_frozen(player: Player) -> None:
    still = lambda second: {**noisy(NORMAL, second), "feed_pump": 0.0, "feed_rate": 0.0}  # noqa: E731 - read once
    player.tell("start", organism="E. coli", phase="batch")
    assert told(player.run(4000, still, noise=False)) == []


@pytest.mark.parametrize(
    ("fault", "condition"),
    [
        ("spiking_probe:DO@120", "spike"),
        ("spiking_probe:pH@120", "spike"),
        ("frozen_probe:pH@120", "frozen"),
    ],
)
def test_a_sick_probe_of_a_culture_is_found_and_nothing_else_is(
    player: Player, fault: str, condition: str
) -> None:
    fleet = Fleet([Reactor("BR-01", "e_coli", "2L", 2)], start_h=6.0)
    fleet.inject(parse(fault))

    def readings(_: int) -> Mapping[str, float | None]:
        (row,) = fleet.step().rows()
        return row.values

    outputs = told(player.run(900, readings, noise=False))
    assert outputs[0] == (fault.partition(":")[2].partition("@")[0], condition, "raised")
    assert {each[1] for each in outputs} == {condition}


@pytest.mark.parametrize("name", [*DICTIONARY, None])
def test_each_finding_has_a_status_and_a_state_of_namur(name: str | None) -> None:
    spec = DICTIONARY[name] if name else None
    assert verdict(Health.GOOD, spec) == (Status.GOOD, None)
    for one in [each for each in Health if each is not Health.GOOD]:
        status, letter = verdict(one, spec)
        assert letter is not None
        bad = letter in {Ne107.FAILURE, Ne107.CHECK}
        assert severity_of(status) is (Severity.BAD if bad else Severity.UNCERTAIN)


def test_the_worst_finding_stands_last() -> None:
    order = [
        "GOOD",
        "CLOCK",
        "SPIKE",
        "RATE",
        "CLIPPING",
        "FROZEN",
        "STALE",
        "OUT_OF_RANGE",
        "OUT_OF_SERVICE",
    ]
    assert [one.name for one in sorted(Health)] == order
    assert verdict(Health.OUT_OF_SERVICE, DICTIONARY["DO_setpoint"]) == (
        Status.BAD_OUT_OF_SERVICE,
        Ne107.CHECK,
    )
    assert verdict(Health.CLIPPING, DICTIONARY["DO"])[0] is Status.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED


def test_an_alarm_of_an_instrument_says_its_state_and_the_status_of_its_value(player: Player) -> None:
    player.run(60)
    outputs = player.run(150, lambda _: {**NORMAL, "pH": 14.0, "agitation": 0.0})
    outputs += player.run(60)
    assert {
        (one.signal, one.condition, one.event, one.device_state, one.value_status) for one in outputs
    } == {
        ("pH", "range", "raised", "F", Status.BAD_SENSOR_FAILURE),
        ("pH", "range", "cleared", None, None),
        ("agitation", "low", "raised", None, None),
        ("agitation", "low", "cleared", None, None),
    }


DAY = st.lists(
    st.tuples(
        st.sampled_from(["normal", "spiking", "stepping", "frozen", "clipped", "out", "wild", "gone"]),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=6,
)


def lived(state: str, second: int) -> Any:
    values: dict[str, float | None] = dict(noisy(NORMAL, second))
    match state:
        case "spiking":
            values["DO"] = 90.0 if second % 7 == 0 else values["DO"]
        case "stepping":
            values["DO"] = 40.0 + 20.0 * (second // 10 % 3)
        case "frozen":
            values["DO"] = 40.0
        case "clipped":
            values["pH"] = 12.0
        case "wild":
            values["pH"] = 1e300 if second % 2 else -1e300
        case "gone":
            values["DO"] = None
        case "out":
            return off(second)
    return frame_of(*(column(name, [value], [second]) for name, value in values.items()))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DAY, st.data())
def test_a_restart_changes_neither_findings_nor_transitions(
    day: list[tuple[str, int]], data: st.DataObject
) -> None:
    cuts = data.draw(st.frozensets(st.integers(0, len(day))))

    def play(cuts: frozenset[int]) -> list[Any]:
        watch, second, seen = AlarmsAlone(), 0, []
        for place, (state, length) in enumerate(day):
            if place in cuts:
                watch = watch.restarted()
            for _ in range(length):
                second += 1
                with np.errstate(over="ignore", invalid="ignore"):
                    done = watch.on_frame(lived(state, second), us(second), sources(second))
                seen.append((done, watch.alarms.health.tolist(), watch.alarms.unfit.tolist()))
        return seen

    assert play(cuts) == play(frozenset())


EXTREME = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1e9, -1e9, 40.0, 12.0, 200.0, 1.7e308, -1.7e308, 5e-324]),
)
FRAMES = st.lists(
    st.tuples(
        st.floats(-2000.0, 5000.0),
        st.dictionaries(
            st.sampled_from(["DO", "pH", "agitation", "DO_setpoint", "OD", "X1"]),
            st.lists(EXTREME, min_size=1, max_size=5),
            max_size=4,
        ),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FRAMES)
def test_whatever_is_sent_its_health_is_known_and_its_memory_can_be_taken_up(
    sent: list[tuple[float, dict[str, list[float | None]]]],
) -> None:
    watch, now_s = AlarmsAlone(), 0.0
    for gap_s, signals in sent:
        now_s += gap_s
        columns = [
            column(name, values, [now_s + second for second in range(len(values))])
            for name, values in signals.items()
        ]
        with np.errstate(over="ignore", invalid="ignore"):
            for told_now in watch.on_frame(frame_of(*columns), us(now_s), sources()):
                assert AlarmTransition.decode(told_now.encode()) == told_now
        assert set(watch.alarms.health.tolist()) <= set(Health)
    again = watch.restarted()
    assert again.alarms.memory() == watch.alarms.memory()
    assert again.alarms.health.tolist() == watch.alarms.health.tolist()


def test_what_is_remembered_of_a_signal_is_small() -> None:
    assert health.MEMORY.itemsize + health.RULES.itemsize <= 512
