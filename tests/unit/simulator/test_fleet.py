"""A fleet is its bioreactors side by side: each as if it were alone, and the same every time."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas.errors import SettingsError
from schemas.signals import DICTIONARY
from simulator.faulting.fault import parse
from simulator.fleet import Fleet, Reactor, ucum
from simulator.happenings import batch_event
from simulator.physics.state import Species
from simulator.sensing.style import CLEAN, PLANT, POOR

if TYPE_CHECKING:
    from simulator.sensing.reporting import Row
    from simulator.sensing.style import Style

COLI = Reactor("BR-01", "e_coli", "2L", 1)
LARGE_COLI = Reactor("BR-02", "e_coli", "25000L", 2)
YEAST = Reactor("BR-03", "s_cerevisiae", "200L", 3)
CHO = Reactor("BR-04", "cho", "2L_cell", 4)
MOULD = Reactor("BR-05", "p_chrysogenum", "25000L", 5)
ALL = (COLI, LARGE_COLI, YEAST, CHO, MOULD)


@cache
def grown(reactors: tuple[Reactor, ...] = ALL, start_h: float = 0.25, style: Style = CLEAN) -> Fleet:
    return Fleet(reactors, start_h=start_h, style=style)


def rows(fleet: Fleet, steps: int, unit: int | None = None) -> list[Row]:
    sent = [row for _ in range(steps) for row in fleet.step().rows()]
    return sent if unit is None else [row for row in sent if row.unit == unit]


@pytest.mark.parametrize("style", [CLEAN, PLANT, POOR], ids=lambda style: style.name)
def test_the_same_seeds_give_the_same_bytes_and_other_seeds_others(style: Style) -> None:
    once, again = (rows(Fleet(ALL, style=style), 40) for _ in range(2))
    assert repr(once) == repr(again)
    other = rows(Fleet([Reactor("BR-01", "e_coli", "2L", 99)], style=style), 40)
    assert repr(other) != repr([row for row in once if row.unit == 0])


@pytest.mark.parametrize("unit", range(len(ALL)), ids=[one.recipe + one.vessel for one in ALL])
def test_a_bioreactor_does_not_depend_on_its_neighbours(unit: int) -> None:
    alone = rows(deepcopy(grown((ALL[unit],), style=PLANT)), 120)
    among = rows(deepcopy(grown(style=PLANT)), 120, unit)
    assert [set(row.values) for row in alone] == [set(row.values) for row in among]
    for one, other in zip(alone, among, strict=True):
        assert one.time_s == other.time_s
        for signal, value in one.values.items():
            assert value == pytest.approx(other.values[signal], rel=1e-9, abs=1e-9, nan_ok=True)


def test_every_signal_is_of_the_dictionary_and_every_reading_plausible() -> None:
    fleet = deepcopy(grown())
    for row in rows(fleet, 30):
        assert set(row.values) == set(fleet.measured(row.unit))
        for signal, value in row.values.items():
            low, high = DICTIONARY[signal].plausible
            assert low <= value <= high, (signal, value)
    assert ucum(fleet.signals) == {name: DICTIONARY[name].unit for name in fleet.signals}


def test_a_run_begins_at_its_hour_and_steps_by_the_second() -> None:
    fleet = deepcopy(grown())
    assert fleet.time_s == 0.0
    assert fleet.hours == pytest.approx(np.full(5, 0.25), abs=1e-9)
    assert [row.time_s for row in rows(fleet, 3, 0)] == [1.0, 2.0, 3.0]
    assert fleet.time_s == 3.0


def test_a_culture_that_was_grown_quickly_is_the_one_that_was_waited_for() -> None:
    quick = grown((COLI, LARGE_COLI), 1.0)
    waited = deepcopy(grown((COLI, LARGE_COLI), 0.0))
    for _ in range(3600):
        waited.step()
    for species in (Species.BIOMASS, Species.SUBSTRATE, Species.NITROGEN):
        assert quick.state.broth[species] == pytest.approx(waited.state.broth[species], rel=0.01)
    assert quick.flux.our == pytest.approx(waited.flux.our, rel=0.02)
    assert quick.truth["DO"] == pytest.approx(waited.truth["DO"], abs=2.0)


def test_a_fault_leaves_the_time_before_and_every_other_unit_as_they_were() -> None:
    healthy, faulty = deepcopy(grown()), deepcopy(grown())
    truth = faulty.inject(parse("BR-02/lost_stirrer@20"))
    assert truth.signals == ("agitation", "DO")
    expected, seen = rows(healthy, 60), rows(faulty, 60)
    different = [row for row, other in zip(seen, expected, strict=True) if repr(row) != repr(other)]
    assert {row.unit for row in different} == {1}
    assert min(row.time_s for row in different) == 21.0


def test_a_fault_cannot_be_put_into_the_past() -> None:
    fleet = deepcopy(grown())
    rows(fleet, 10)
    with pytest.raises(SettingsError, match="before now"):
        fleet.inject(parse("BR-01/lost_stirrer@5"))


def test_the_truth_names_unit_signals_and_both_times() -> None:
    fleet = Fleet([COLI], faults=[parse("lost_stirrer@20-90"), parse("frozen_probe:DO@5")])
    first, second = fleet.truths(1_000_000)
    assert (first.kind, first.unit, first.start_us, first.end_us) == (
        "frozen_probe",
        "BR-01",
        6_000_000,
        None,
    )
    assert (second.signals, second.start_s, second.end_s) == (("agitation", "DO"), 20.0, 90.0)


def test_batches_start_and_are_sampled_from_inoculation_on() -> None:
    fleet = deepcopy(grown((COLI,), 2.0))
    happened = fleet.happenings()
    start, *others = happened
    assert (start.event, start.phase, start.time_s) == ("start", "inoculation", -7200.0)
    assert {one.event for one in others} == {"phase", "sample"}
    sample = next(one for one in others if one.event == "sample")
    assert {"OD", "glucose"} <= set(sample.results)
    assert fleet.happenings() == []


def test_what_happens_is_published_as_a_batch_event() -> None:
    fleet = deepcopy(grown((COLI,), 2.0))
    origin_us = 1_790_000_000_000_000
    story = {"site": "north", "member": "uni", "batch": fleet.batch(0, origin_us), "origin_us": origin_us}
    events = [batch_event(one, COLI, **story) for one in fleet.happenings()]  # type: ignore[arg-type]  # strings and an int
    assert events[0].time_us == origin_us - 2 * 3600 * 1_000_000
    assert (events[0].organism, events[0].scale_L) == ("Escherichia coli", 2.0)
    sample = next(event for event in events if event.event == "sample")
    assert sample.assays is not None
    assert sample.assays["glucose"].unit == "g.L-1"
    assert len({event.batch for event in events}) == 1


@pytest.mark.parametrize(
    ("reactors", "options", "wrong"),
    [
        ([], {}, "none"),
        ([COLI, COLI], {}, "BR-01"),
        ([COLI], {"start_h": -1.0}, "hour 0"),
        ([COLI], {"step_s": 0.5}, "1 to 10 s"),
        ([Reactor("BR-01", "beer", "2L")], {}, "beer"),
        ([COLI], {"faults": [parse("BR-09/phage@1")]}, "BR-09"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(
    reactors: list[Reactor], options: dict[str, object], wrong: str
) -> None:
    with pytest.raises(SettingsError, match=wrong):
        Fleet(reactors, **options)  # type: ignore[arg-type]  # what is wrong is the test


def test_a_reactor_can_be_written_down() -> None:
    assert asdict(COLI) == {"name": "BR-01", "recipe": "e_coli", "vessel": "2L", "seed": 1}
