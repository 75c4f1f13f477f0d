"""What instruments add to the truth, and how they hang."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from schemas.signals import spec
from schemas.units import conversion
from simulator.instruments import INSTRUMENTS, UNITS, Panel

TRUTH = {
    "pH": 7.0,
    "DO": 35.0,
    "temperature": 37.0,
    "agitation": 650.0,
    "gas_flow": 1.5,
    "volume": 1.22,
    "feed_rate": 0.008,
    "offgas_O2": 19.5,
    "offgas_CO2": 1.6,
    "pressure": 1.05,
}


def _panel(seed: int = 1) -> Panel:
    return Panel(np.random.default_rng(seed))


@pytest.mark.parametrize("name", sorted(UNITS))
def test_every_signal_is_declared_in_the_unit_that_is_given(name: str) -> None:
    declared = spec(name)
    assert declared is not None
    assert conversion(UNITS[name], declared.unit) == (1.0, 0.0)
    assert declared.unit == UNITS[name]


@pytest.mark.parametrize("name", sorted(UNITS))
def test_readings_scatter_about_the_truth(name: str) -> None:
    panel = _panel()
    readings = np.array([panel.read(TRUTH)[name] for _ in range(5000)])
    made = INSTRUMENTS[name]
    spread = made.noise + made.wander + made.relative * TRUTH[name]
    assert abs(readings.mean() - TRUTH[name] - made.offset) < 0.5 * spread
    assert 0.4 * spread < readings.std() < 1.5 * spread


@pytest.mark.parametrize("name", sorted(UNITS))
def test_a_healthy_instrument_does_not_look_frozen(name: str) -> None:
    panel = _panel(2)
    readings = [panel.read(TRUTH)[name] for _ in range(3600)]
    longest = run = 1
    for before, after in pairwise(readings):
        run = run + 1 if before == after else 1
        longest = max(longest, run)
    assert longest < 10


def test_a_hanging_instrument_repeats_its_last_reading_to_the_bit() -> None:
    panel = _panel()
    last = [panel.read(TRUTH) for _ in range(20)][-1]
    panel.hang(["DO"])
    for step in range(1, 100):
        readings = panel.read({**TRUTH, "DO": 35.0 - 0.3 * step})
        assert readings["DO"] == last["DO"]
        assert readings["pH"] != pytest.approx(0.0)
    panel.hang([])
    assert panel.read({**TRUTH, "DO": 5.0})["DO"] < last["DO"] - 5.0


def test_hanging_one_instrument_leaves_the_others_as_they_were() -> None:
    free, hung = _panel(), _panel()
    hung.hang(["DO"])
    for _ in range(50):
        a, b = free.read(TRUTH), hung.read(TRUTH)
        assert {k: v for k, v in a.items() if k != "DO"} == {k: v for k, v in b.items() if k != "DO"}


def test_a_probe_shows_63_percent_of_a_step_after_its_time_constant() -> None:
    panel = _panel()
    panel.read(TRUTH)
    falling = {**TRUTH, "DO": 0.0}
    readings = [panel.read(falling)["DO"] for _ in range(22)]
    assert readings[-1] == pytest.approx(35.0 * 0.368 + 0.4, abs=1.0)


def test_a_sample_line_delays_the_off_gas() -> None:
    panel = _panel()
    panel.read(TRUTH)
    readings = [panel.read({**TRUTH, "offgas_O2": 20.9})["offgas_O2"] for _ in range(60)]
    assert readings[13] == pytest.approx(19.5, abs=0.03)
    assert readings[-1] == pytest.approx(20.9, abs=0.03)


def test_an_exhausted_signal_never_reads_below_zero() -> None:
    panel = _panel()
    nothing = {**TRUTH, "DO": 0.0, "agitation": 0.0, "feed_rate": 0.0}
    for _ in range(500):
        readings = panel.read(nothing)
        assert readings["DO"] >= 0.0
        assert readings["agitation"] >= 0.0
