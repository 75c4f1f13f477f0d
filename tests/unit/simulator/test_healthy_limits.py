"""Whole healthy batches stay where the signal dictionary calls their phase and culture normal."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from schemas.signals import DICTIONARY, Limits, Phase, limits
from simulator.recipes.recipe import recipe
from tests.unit.simulator.batches import UNITS, Recording, recording

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray

HEALTHY = [unit for unit in UNITS if "hungry" not in unit]
"""The hungry ones ask more of a vessel than it can give."""
SHORT_MIN = 3
"""Rows, one a minute, for which a change, such as the start of a feed, may carry a value past low or high."""


def _restricted(unit: str) -> Iterator[tuple[str, str, Limits, Array]]:
    """Phase, signal, its limits there and the readings that they judge."""
    batch = recording()
    culture = recipe(UNITS[unit].recipe).culture
    for phase in get_args(Phase):
        inside = batch.at(unit, phase)
        for signal in DICTIONARY:
            found = limits(signal, phase, culture)
            if found is None:
                continue
            if signal in batch.readings:
                yield phase, signal, found, batch.shown(unit, signal)[0][inside]
            else:
                yield phase, signal, found, _assays(batch, unit, phase, signal)


def _assays(batch: Recording, unit: str, phase: str, signal: str) -> Array:
    starts = [*sorted(batch.phases[unit]), (np.inf, "end")]
    spans = [(begin, end) for (begin, name), (end, _) in pairwise(starts) if name == phase]
    drawn = [
        results[signal]
        for hours, results in batch.samples[unit]
        if signal in results and any(begin <= hours < end for begin, end in spans)
    ]
    return np.array(drawn, dtype=float)


def _beyond(values: Array, low: float | None, high: float | None) -> Array:
    return (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))


def _longest(flags: Array) -> int:
    return max((len(list(run)) for beyond, run in groupby(flags) if beyond), default=0)


@pytest.mark.parametrize("unit", HEALTHY)
def test_a_healthy_batch_never_crosses_an_outer_limit_of_its_phase(unit: str) -> None:
    crossed = [
        (phase, signal)
        for phase, signal, found, values in _restricted(unit)
        if _beyond(values, found.low_low, found.high_high).any()
    ]
    assert crossed == []


@pytest.mark.parametrize("unit", HEALTHY)
def test_a_healthy_batch_is_back_within_the_limits_of_its_phase_in_minutes(unit: str) -> None:
    crossed = [
        (phase, signal, run)
        for phase, signal, found, values in _restricted(unit)
        if (run := _longest(_beyond(values, found.low, found.high)))
        > (SHORT_MIN if DICTIONARY[signal].reading != "assay" else 0)
    ]
    assert crossed == []


def test_limits_of_a_phase_are_compared_with_readings_and_with_assays_of_every_culture() -> None:
    compared = {
        (unit, signal) for unit in HEALTHY for _, signal, _, values in _restricted(unit) if values.size
    }
    for unit in HEALTHY:
        assert {(unit, signal) for signal in ("pH", "DO", "temperature")} <= compared
    assert {("cells", "viability"), ("cells", "ammonium"), ("mould", "precursor")} <= compared
