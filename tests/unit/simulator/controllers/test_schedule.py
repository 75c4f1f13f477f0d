"""Phases begin and end as clock and instruments say, and set points move as the recipe has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.controllers.schedule import PhaseChange, Schedule
from simulator.recipes.recipe import Recipe, recipe

STEP_H = 1.0 / 60.0


def short_recipe(**batch: Any) -> Recipe:
    """Half an hour of inoculation, a batch as told, and an hour of harvest."""
    given = recipe("e_coli").model_dump(exclude={"phases"})
    first = recipe("e_coli").phases[0].model_dump()
    phases = [first, {"name": "batch", "ends": [{"after_h": 4.0}], **batch}]
    phases.append(
        {"name": "harvest", "set": {"temperature_c": 20.0}, "over_h": 1.0, "ends": [{"after_h": 2.0}]}
    )
    return Recipe.model_validate({**given, "phases": phases})


def follow(schedule: Schedule, shown: dict[str, list[float]], minutes: int) -> list[PhaseChange]:
    """What happens while instruments show, minute by minute, what is listed; the last holds on."""
    happened = []
    for minute in range(minutes):
        now = {name: np.array([values[min(minute, len(values) - 1)]]) for name, values in shown.items()}
        happened += schedule.advance(now, np.array([minute * STEP_H]), 60.0)
    return happened


def test_a_batch_starts_changes_phase_and_ends_once_each() -> None:
    happened = follow(Schedule([short_recipe()], [1]), {}, 12 * 60)
    assert [(it.event, it.phase) for it in happened] == [
        ("start", "inoculation"),
        ("phase", "batch"),
        ("phase", "harvest"),
        ("end", "harvest"),
    ]
    hours = [it.hours for it in happened]
    assert hours == sorted(hours)


def test_people_are_a_little_late_and_each_in_his_own_way() -> None:
    first, second = (follow(Schedule([short_recipe()], [seed]), {}, 600) for seed in (1, 2))
    assert 0.5 <= first[1].hours < 1.0
    assert first[1].hours != second[1].hours
    assert follow(Schedule([short_recipe()], [1]), {}, 600) == first


def test_a_rise_of_oxygen_ends_the_batch_and_one_spike_does_not() -> None:
    ends = [{"signal": "DO", "above": 60.0, "for_s": 120.0}, {"after_h": 4.0}]
    spike = [35.0] * 60 + [110.0] + [35.0] * 60 + [90.0]
    happened = follow(Schedule([short_recipe(ends=ends)], [1]), {"DO": spike}, 240)
    assert 121 <= happened[2].hours * 60 <= 128


def test_before_its_time_nothing_that_an_instrument_shows_ends_a_phase() -> None:
    ends = [{"signal": "DO", "above": 60.0, "for_s": 0.0, "not_before_h": 2.0}, {"after_h": 4.0}]
    happened = follow(Schedule([short_recipe(ends=ends)], [1]), {"DO": [90.0]}, 300)
    assert happened[2].hours - happened[1].hours == pytest.approx(2.0, abs=0.05)


def test_a_fall_below_a_share_of_the_peak_ends_the_batch() -> None:
    ends = [{"signal": "offgas_CO2", "below_peak": 0.4, "for_s": 60.0}, {"after_h": 4.0}]
    rise_and_fall = [0.1 * minute for minute in range(90)] + [1.0]
    happened = follow(Schedule([short_recipe(ends=ends)], [1]), {"offgas_CO2": rise_and_fall}, 300)
    assert 1.5 <= happened[2].hours <= 1.7


def test_with_a_dead_probe_the_clock_ends_the_phase() -> None:
    ends = [{"signal": "DO", "above": 60.0}, {"after_h": 4.0}]
    happened = follow(Schedule([short_recipe(ends=ends)], [1]), {"DO": [float("nan")]}, 600)
    assert happened[2].hours - happened[1].hours == pytest.approx(4.0, abs=0.5)


def test_set_points_ramp_to_where_they_are_to_be() -> None:
    schedule = Schedule([short_recipe()], [1])
    happened = follow(schedule, {}, 12 * 60)
    harvest = Schedule([short_recipe()], [1])
    follow(harvest, {}, round(happened[2].hours * 60) + 31)
    assert harvest.value("temperature_c")[0] == pytest.approx(37.0 - 17.0 * 0.5, abs=0.6)
    assert schedule.value("temperature_c")[0] == pytest.approx(20.0)


def test_operators_change_set_points_within_a_phase_when_the_plan_says() -> None:
    changes = [{"at_h": 1.0, "to": {"dissolved_oxygen": 20.0}}]
    before, after = (Schedule([short_recipe(changes=changes)], [1]) for _ in range(2))
    begins = round(follow(Schedule([short_recipe()], [1]), {}, 300)[1].hours * 60)
    follow(before, {}, begins + 58)
    follow(after, {}, begins + 63)
    assert (before.value("dissolved_oxygen")[0], after.value("dissolved_oxygen")[0]) == (35.0, 20.0)


def test_a_change_of_one_set_point_leaves_the_ramp_of_another_as_it_is() -> None:
    def temperatures(changes: list[dict[str, Any]]) -> list[float]:
        recipe = short_recipe(set={"temperature_c": 30.0}, over_h=2.0, changes=changes)
        schedule, seen = Schedule([recipe], [1]), []
        for minute in range(240):
            schedule.advance({}, np.array([minute * STEP_H]), 60.0)
            seen.append(float(schedule.value("temperature_c")[0]))
        return seen

    moved = temperatures([{"at_h": 1.0, "to": {"dissolved_oxygen": 20.0}}])
    assert moved == temperatures([])
    assert np.abs(np.diff(moved)).max() < 0.1


def test_a_broth_counts_as_tempered_ten_minutes_after_its_ramp_has_ended() -> None:
    schedule, seen = Schedule([short_recipe(set={"temperature_c": 30.0}, over_h=1.0)], [1]), []
    for minute in range(200):
        schedule.advance({}, np.array([minute * STEP_H]), 60.0)
        seen.append((float(schedule.value("temperature_c")[0]), bool(schedule.tempered()[0])))
    temperatures = [temperature for temperature, _ in seen]
    begins, ends = temperatures.index(37.0) + temperatures.count(37.0), temperatures.index(30.0)
    assert [tempered for _, tempered in seen[:begins]] == [True] * begins
    assert next(minute for minute in range(begins, 200) if seen[minute][1]) == ends + 10
