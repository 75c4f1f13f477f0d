"""Process or sensor: told from what readings have to do with each other, with the evidence in words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.context import Context
from agents.models.attribution import Attribution, Verdict, shipped
from agents.models.relations import derive
from agents.models.step import Step, UnitScore
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

USUAL = {
    "pH": 7.0,
    "pH_2": 6.98,
    "DO": 35.0,
    "DO_2": 34.0,
    "temperature": 37.0,
    "temperature_2": 36.95,
    "agitation": 280.0,
    "agitation_setpoint": 280.0,
    "gas_flow": 150.0,
    "gas_flow_setpoint": 150.0,
    "air_flow": 150.0,
    "O2_flow": 0.0,
    "offgas_O2": 19.06,
    "offgas_CO2": 1.96,
    "weight": 128.0,
    "volume": 128.5,
    "feed_rate": 0.83,
    "feed_rate_setpoint": 0.83,
}
NAMES = tuple(USUAL)
USUAL |= {"temperature_setpoint": 37.0, "base_rate": 0.1, "base_pump": 40.0}
NOISE = {"pH": 0.005, "pH_2": 0.005, "DO": 0.3, "DO_2": 0.3, "temperature": 0.02, "temperature_2": 0.02}
NOISE |= {"temperature_setpoint": 0.0}
USUAL |= {"jacket_flow": 20.0, "jacket_inlet_temperature": 15.0, "cooling_valve": 30.0}
USUAL |= {"jacket_outlet_temperature": 18.0}
CONTEXT = Context(batch="B1", phase="feed", batch_since_us=0, phase_since_us=0)


class Unit:
    """A sound unit that is changed from outside, and the layer that watches it."""

    def __init__(self, seed: int = 1, names: tuple[str, ...] = NAMES) -> None:
        self.names = names
        self.layer = Attribution()
        self.context = CONTEXT
        for name in names:
            self.layer.add(name, None)
        self._random = np.random.default_rng(seed)
        self.row = 0

    def steps(
        self,
        count: int,
        change: Callable[[int, dict[str, float]], None] | None = None,
        doubted: tuple[str, ...] = (),
    ) -> list[UnitScore | None]:
        said = []
        for at in range(count):
            now = {
                name: USUAL[name] + self._random.normal(0.0, NOISE.get(name, 0.002 * USUAL[name]))
                for name in self.names
            }
            if change is not None:
                change(at, now)
            value = np.array([now[name] for name in self.names])
            said.append(self.take(value, doubted))
        return said

    def take(self, value: NDArray[np.float64], doubted: tuple[str, ...] = ()) -> UnitScore | None:
        known = np.isfinite(value)
        self.row += 1
        step = Step(self.row * 10_000_000, value, known, known, self.context)
        return self.layer.take(step, np.array([name in doubted for name in self.names]))


def learnt(seed: int = 1, names: tuple[str, ...] = NAMES) -> Unit:
    unit = Unit(seed, names)
    unit.steps(150)
    return unit


def set_to(**changes: float) -> Callable[[int, dict[str, float]], None]:
    def change(_: int, now: dict[str, float]) -> None:
        now.update({name: now[name] + by for name, by in changes.items()})

    return change


def verdict(unit: Unit) -> Verdict:
    assert unit.layer.verdict is not None
    return unit.layer.verdict


def test_a_sound_unit_gets_no_verdict() -> None:
    for seed in range(5):
        unit = learnt(seed)
        assert [one for one in unit.steps(400) if one is None or one.suspect] == []
        assert unit.layer.verdict is None


def test_a_probe_that_leaves_its_twin_is_a_sensor_and_the_difference_is_told() -> None:
    unit = learnt()
    said = unit.steps(40, set_to(pH_2=0.33), doubted=("pH_2",))
    last = said[-1]
    assert last is not None
    assert last.suspect
    assert last.looks_like == "sensor"
    told = last.reason
    assert told.startswith("pH and pH_2 differ by 0.3")
    assert "usually 0.0" in told
    assert told.endswith("most likely pH_2; the process shows nothing else")
    assert {NAMES[slot] for slot in np.flatnonzero(last.contributions)} == {"pH", "pH_2"}


def test_a_probe_that_its_loop_follows_is_still_a_sensor() -> None:
    unit = learnt()
    unit.steps(20, set_to(DO=10.0), doubted=("DO", "agitation"))
    assert verdict(unit).looks_like == "sensor"
    assert "control loop" in verdict(unit).evidence


def test_twins_that_move_together_are_the_process() -> None:
    unit = learnt()
    unit.steps(20, set_to(DO=-15.0, DO_2=-15.0), doubted=("DO", "DO_2"))
    assert verdict(unit) == Verdict(
        "process", "DO and DO_2 moved together: both probes show it", ("DO", "DO_2")
    )


def test_an_actuator_that_leaves_its_set_point_is_the_process() -> None:
    unit = learnt()
    unit.steps(20, set_to(feed_rate=-0.5), doubted=("feed_rate",))
    assert verdict(unit).looks_like == "process"
    assert verdict(unit).evidence.startswith("feed rate and its set point do not fit: their ratio is 0.4")


def test_an_analyser_that_moves_alone_is_a_sensor_and_the_open_balance_is_named() -> None:
    unit = learnt()
    unit.steps(60, set_to(offgas_O2=0.8, offgas_CO2=-0.8), doubted=("offgas_O2", "offgas_CO2"))
    assert verdict(unit).looks_like == "sensor"
    assert "DO, oxygen uptake, stirrer and gas do not fit" in verdict(unit).evidence


def test_a_flow_meter_that_leaves_the_sum_of_its_parts_is_a_sensor() -> None:
    unit = learnt()
    unit.steps(20, set_to(gas_flow=30.0), doubted=("gas_flow",))
    assert verdict(unit).looks_like == "sensor"
    assert verdict(unit).evidence.startswith("gas flow and the sum of its parts do not fit")


def test_while_uptake_moves_balances_wait_because_gas_lags_behind_the_broth() -> None:
    unit = learnt()
    said = unit.steps(20, set_to(offgas_O2=0.8, offgas_CO2=-0.8))
    assert not any(one.suspect for one in said if one is not None)


def test_after_a_new_phase_or_command_balances_come_to_rest_and_are_learnt_anew() -> None:
    slower = {"offgas_O2": 0.8, "offgas_CO2": -0.8}
    unit = learnt()
    assert any(one.suspect for one in unit.steps(60, set_to(**slower)) if one is not None)
    unit = learnt()
    unit.context = replace(CONTEXT, phase="induction")
    assert not any(one.suspect for one in unit.steps(300, set_to(**slower)) if one is not None)
    unit = learnt(1, (*NAMES, "temperature_setpoint"))
    chilled = set_to(temperature_setpoint=-7.0, **slower)
    assert not any(one.suspect for one in unit.steps(300, chilled) if one is not None)


def test_the_ratio_of_a_rounded_position_says_less_the_smaller_it_is() -> None:
    broken = []
    for position in (2.0, 40.0):
        unit = learnt(1, ("base_rate", "base_pump"))
        scale = position / 40.0
        at = set_to(base_rate=0.1 * scale - 0.1, base_pump=position - 40.0)
        off = set_to(base_rate=0.025 * scale - 0.1, base_pump=position - 40.0)
        unit.steps(100, at)
        broken.append(any(one.suspect for one in unit.steps(30, off) if one is not None))
    assert broken == [False, True]


@pytest.mark.parametrize(("rise", "judged"), [(3.0, True), (0.1, False), (-0.2, False)])
def test_a_jacket_that_takes_up_next_to_no_heat_says_nothing_of_the_broth(rise: float, judged: bool) -> None:  # noqa: FBT001 - a case
    names = (*NAMES, "jacket_flow", "jacket_inlet_temperature", "jacket_outlet_temperature", "cooling_valve")
    unit = Unit(3, names)

    def cooled(by: float) -> Callable[[int, dict[str, float]], None]:
        return lambda _, now: now.update(jacket_outlet_temperature=now["jacket_inlet_temperature"] + by)

    unit.steps(150, cooled(rise))
    said = unit.steps(60, cooled(10.0 * abs(rise)))[-1]
    assert said is not None
    assert ("coolant" in said.reason) == judged


def test_many_independent_instruments_are_the_process() -> None:
    names = ("agitation", "offgas_O2", "pressure_2", "weight")
    unit = Unit(1, tuple(name for name in names if name in USUAL))
    unit.steps(3, doubted=("agitation", "offgas_O2", "weight"))
    assert verdict(unit).looks_like == "process"


def test_two_doubts_that_happen_to_meet_are_no_evidence() -> None:
    unit = learnt()
    unit.steps(3, doubted=("agitation", "weight"))
    assert verdict(unit).looks_like != "sensor"
    assert "moved together" not in verdict(unit).evidence


def test_a_signal_with_nothing_to_compare_it_with_is_unknown() -> None:
    unit = Unit(1, ("pH",))
    unit.steps(1, doubted=("pH",))
    assert verdict(unit) == Verdict("unknown", "pH: there is nothing sound to check against", ("pH",))


def test_a_pair_that_is_not_yet_learnt_says_how_long_that_takes() -> None:
    unit = Unit(1, ("pH", "pH_2"))
    unit.steps(30)
    unit.steps(1, doubted=("pH",))
    assert verdict(unit).evidence == (
        "pH: what goes with it is not yet learnt, which takes about 5 min more without doubt"
    )


def test_a_difference_is_told_with_its_unit_and_concerns_its_probes_alone() -> None:
    unit = learnt()
    said = unit.steps(20, set_to(temperature_2=1.5), doubted=("temperature_2", "weight"))[-1]
    assert said is not None
    assert said.reason.split(",")[0].endswith(" °C")
    assert said.about == ("temperature", "temperature_2")


def test_the_score_that_is_shown_is_the_one_that_decides() -> None:
    unit = learnt()
    # By how much pH_2 is off rises slowly, so that one step is the first that is suspected.
    said = unit.steps(60, lambda at, now: now.update(pH_2=now["pH_2"] + 0.004 * at))
    first = next(one for one in said if one is not None and one.suspect)
    assert first.score >= shipped().suspect_at
    assert all(one.score < shipped().suspect_at for one in said[: said.index(first)] if one is not None)


def test_a_doubt_is_remembered_for_a_while_and_then_forgotten() -> None:
    unit = learnt()
    unit.steps(1, doubted=("temperature",))
    unit.steps(10)
    assert unit.layer.verdict is not None
    unit.steps(40)
    assert unit.layer.verdict is None


def test_a_difference_that_lasts_becomes_the_new_offset_and_is_counted() -> None:
    unit = learnt()
    said = unit.steps(500, set_to(pH_2=0.3))
    assert unit.layer.rebaselines == 1
    last = said[-1]
    assert last is not None
    assert not last.suspect


def test_what_is_doubted_or_missing_is_not_learnt() -> None:
    unit = learnt()
    before = unit.layer.state()
    unit.steps(50, set_to(pH=0.02), doubted=NAMES)
    after = unit.layer.state()
    assert np.array_equal(before["mean"], after["mean"])
    unit.steps(50, lambda _, now: now.update(dict.fromkeys(NAMES, float("nan"))))
    assert np.array_equal(before["variance"], unit.layer.state()["variance"])


def test_oxygen_uptake_is_that_of_the_balance_of_inert_gas() -> None:
    # 1 standard litre a minute of air, outlet 19.00 % O2 and 1.33 % CO2: OUR 56.413 and CER 34.237 mmol/h.
    found = derive({"air_flow": 1.0, "offgas_O2": 19.0, "offgas_CO2": 1.33, "DO": 40.0})
    assert found["uptake"] == pytest.approx(56.413, rel=1e-4)
    assert found["evolution"] == pytest.approx(34.237, rel=1e-4)
    assert found["oxygen_gap"] == pytest.approx(60.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 299), st.integers(0, 2**20))
def test_restored_anywhere_it_goes_on_as_if_it_had_never_stopped(stop: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = np.array([USUAL[name] for name in NAMES]) * random.normal(1.0, 0.003, (300, len(NAMES)))
    values[random.random(values.shape) < 0.05] = np.nan
    values[150:, 1] += 0.5
    whole = Unit()
    for value in values[:stop]:
        whole.take(value)
    kept = whole.layer.state()
    after = Unit()
    after.row = whole.row
    after.layer = Attribution()
    after.layer.take_up(kept)
    for value in values[stop:]:
        one, two = whole.take(value), after.take(value)
        assert (one is None) == (two is None)
        if one is not None and two is not None:
            assert (one.score, one.suspect, one.reason, one.looks_like) == (
                two.score,
                two.suspect,
                two.reason,
                two.looks_like,
            )
            assert np.array_equal(one.contributions, two.contributions)


def test_a_memory_of_another_recipe_is_refused() -> None:
    kept = Attribution(shipped().model_copy(update={"version": "2"})).state()
    with pytest.raises(SnapshotRefused, match="another recipe"):
        Attribution().take_up({**kept, "recipe": "0" * 64})


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0, 1e9, -1e300, 1e300, np.inf])
def test_whatever_comes_it_neither_raises_nor_shows_nan(value: float) -> None:
    unit = learnt()
    for row in range(80):
        said = unit.take(np.full(len(NAMES), value if row % 3 else -value))
        if said is not None:
            assert np.isfinite(said.score)
            assert np.isfinite(said.contributions).all()


def test_a_signal_that_appears_late_joins_its_relations() -> None:
    unit = Unit(1, ("pH",))
    assert unit.steps(50) == [None] * 50
    unit.names = ("pH", "pH_2")
    unit.layer.add("pH_2", None)
    unit.steps(100)
    unit.steps(40, set_to(pH_2=0.3), doubted=("pH_2",))
    assert verdict(unit).looks_like == "sensor"
