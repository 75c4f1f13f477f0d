"""A run that a process engineer would believe, healthy and not."""

from __future__ import annotations

import time
from functools import cache

import pytest

from schemas.signals import DICTIONARY
from simulator.faults import parse
from simulator.fed_batch import SIGNALS, FedBatch
from simulator.run import Run, SampleRow

ALARM_LIMITS = {
    "DO": (20.0, 200.0),
    "pH": (6.6, 7.4),
    "temperature": (35.0, 39.0),
    "agitation": (50.0, 1500.0),
}


def _rows(run: Run, seconds: int) -> list[SampleRow]:
    found = [run.next_second() for _ in range(seconds)]
    return [row for row in found if row is not None]


@cache
def _healthy(seed: int) -> tuple[SampleRow, ...]:
    return tuple(_rows(Run(seed, 8.0), 1800))


@pytest.mark.parametrize("seed", range(1, 6))
def test_half_an_hour_of_health_stays_well_inside_the_alarm_limits(seed: int) -> None:
    for row in _healthy(seed):
        assert 30.0 < row.values["DO"] < 40.0
        assert 6.9 < row.values["pH"] < 7.1
        assert 36.5 < row.values["temperature"] < 37.5
        assert 500.0 < row.values["agitation"] < 900.0


@pytest.mark.parametrize("seed", [1, 2])
def test_every_reading_is_plausible_and_changes_no_faster_than_is_believable(seed: int) -> None:
    rows = _healthy(seed)
    for name in SIGNALS:
        declared = DICTIONARY[name]
        values = [row.values[name] for row in rows]
        assert all(declared.plausible[0] <= value <= declared.plausible[1] for value in values)
        if declared.max_rate_per_min is not None:
            fastest = max(abs(after - before) for before, after in zip(values, values[10:], strict=False))
            assert fastest * 6.0 < declared.max_rate_per_min


@pytest.mark.parametrize("hour", [0.0, 0.1, 3.0, 6.5, 12.0, 20.0])
def test_any_culture_hour_is_healthy(hour: float) -> None:
    for row in _rows(Run(3, hour), 300):
        for name, (low, high) in ALARM_LIMITS.items():
            assert low < row.values[name] < high


def test_a_run_at_hour_8_is_fed_and_has_the_stirrer_in_mid_range() -> None:
    batch = FedBatch(1, 8.0)
    assert batch.fed
    assert batch.hours == pytest.approx(8.0, abs=0.01)
    assert 500.0 < batch.step()["agitation"] < 900.0
    assert FedBatch(1, 3.0).fed is False


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    faults = [parse("lost_stirrer@30")]
    assert _rows(Run(7, 8.0, faults), 120) == _rows(Run(7, 8.0, faults), 120)
    assert _rows(Run(7, 8.0), 5) != _rows(Run(8, 8.0), 5)


def test_until_the_fault_begins_a_faulty_run_is_the_healthy_one() -> None:
    faulty = _rows(Run(1, 8.0, [parse("lost_stirrer@60")]), 61)
    assert tuple(faulty[:60]) == _healthy(1)[:60]
    assert faulty[60] != _healthy(1)[60]


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("hour", [7.5, 8.0, 12.0])
def test_a_lost_stirrer_stops_at_once_and_dissolved_oxygen_follows_within_a_minute(
    seed: int, hour: float
) -> None:
    rows = _rows(Run(seed, hour, [parse("lost_stirrer@20")]), 200)
    assert rows[19].values["agitation"] > 500.0
    assert rows[20].values["agitation"] < 20.0
    assert all(row.values["agitation"] < 5.0 for row in rows[22:])
    low = next(row.time_s for row in rows if row.values["DO"] < 20.0)
    assert 22.0 < low < 80.0
    assert all(row.values["DO"] < 2.0 for row in rows[140:])


def test_a_lost_stirrer_shows_in_the_off_gas_the_acid_and_nowhere_it_should_not() -> None:
    rows = _rows(Run(1, 8.0, [parse("lost_stirrer@60")]), 600)
    before, after = rows[55].values, rows[-1].values
    assert after["offgas_O2"] > before["offgas_O2"] + 1.0
    assert after["offgas_CO2"] < before["offgas_CO2"] - 0.7
    assert 6.9 < after["pH"] < before["pH"] - 0.01
    assert after["temperature"] > 36.5
    assert after["gas_flow"] == pytest.approx(before["gas_flow"], abs=0.02)
    assert after["pressure"] == pytest.approx(before["pressure"], abs=0.005)


def test_a_stirrer_that_comes_back_brings_the_oxygen_back() -> None:
    rows = _rows(Run(1, 8.0, [parse("lost_stirrer@30-120")]), 1500)
    assert rows[110].values["DO"] < 3.0
    assert rows[-1].values["DO"] == pytest.approx(35.0, abs=4.0)
    assert rows[-1].values["agitation"] > 500.0


def test_a_frozen_probe_repeats_its_last_noisy_value_exactly() -> None:
    rows = _rows(Run(1, 8.0, [parse("frozen_probe:DO@30-90")]), 120)
    frozen = {row.values["DO"] for row in rows[30:90]}
    assert frozen == {rows[29].values["DO"]}
    assert len({row.values["DO"] for row in rows[90:]}) > 5
    assert len({row.values["pH"] for row in rows[30:90]}) > 5


def test_a_lost_device_gives_no_samples_while_the_culture_goes_on() -> None:
    run = Run(1, 8.0, [parse("lost_device@10-20")])
    found = [run.next_second() for _ in range(30)]
    assert [row is None for row in found] == [False] * 10 + [True] * 10 + [False] * 10
    assert tuple(row for row in found[20:] if row is not None) == _healthy(1)[20:30]
    assert run.time_s == 30.0


def test_a_run_knows_what_really_happened() -> None:
    run = Run(1, 8.0, [parse("lost_stirrer@20")])
    (truth,) = run.truths(origin_us=1_000_000)
    row = run.next_second()
    assert truth.start_us == 21_000_000
    assert row is not None
    assert (row.time_s, row.time_us(1_000_000)) == (1.0, 2_000_000)
    assert set(row.values) == set(run.units) == set(SIGNALS)


def test_a_pre_rolled_culture_is_the_one_that_was_waited_for() -> None:
    waited, rolled = FedBatch(4, 0.0), FedBatch(4, 7.0)
    while waited.hours < rolled.hours - 1e-6:
        waited.step()
    assert rolled.state.biomass_g_l == pytest.approx(waited.state.biomass_g_l, rel=0.01)
    assert rolled.state.volume_l == pytest.approx(waited.state.volume_l, rel=0.005)
    assert rolled.state.speed_per_min == pytest.approx(waited.state.speed_per_min, rel=0.03)
    assert rolled.flux.our == pytest.approx(waited.flux.our, rel=0.03)


def test_a_second_costs_less_than_half_a_millisecond_and_ten_hours_less_than_one_second() -> None:
    began = time.process_time()
    batch = FedBatch(1, 10.0)
    rolled = time.process_time()
    batch.step(1000)
    stepped = time.process_time()
    assert rolled - began < 1.0
    assert (stepped - rolled) / 1000 < 0.5e-3


def test_time_that_instruments_cannot_read_is_refused() -> None:
    with pytest.raises(ValueError, match="once a second"):
        FedBatch(1).step(0.5)
    with pytest.raises(ValueError, match="hour 0"):
        FedBatch(1, -1.0)
