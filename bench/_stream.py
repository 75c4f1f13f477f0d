"""The stream by which watch is measured: 30 signals of a bioreactor, most of them with all their rules."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bench._system import SECOND_US, START_US
from schemas.frame import SensorFrame, SignalColumn
from schemas.signals import DICTIONARY
from streams.codec import outgoing
from streams.record import Record
from streams.topics import FRAMES

LEVELS = {
    "pH": 7.0,
    "pH_2": 7.0,
    "DO": 40.0,
    "DO_2": 40.0,
    "temperature": 37.0,
    "temperature_2": 37.0,
    "capacitance": 20.0,
    "conductivity": 15.0,
    "redox": 100.0,
    "pressure": 1.1,
    "gas_flow": 1.5,
    "offgas_flow": 1.5,
    "offgas_O2": 20.0,
    "offgas_CO2": 1.0,
    "weight": 2.0,
    "volume": 1.5,
    "agitation": 600.0,
    "torque": 20.0,
    "power": 2.0,
    "jacket_inlet_temperature": 34.0,
}
"""Twenty signals of the dictionary, where a healthy bench vessel has them; ten more are outside it."""

OTHERS = tuple(f"probe_{place:02d}" for place in range(10))
NAMES = (*LEVELS, *OTHERS)
SIGNALS = len(NAMES)
PERIOD = 4096
"""Seconds after which the noise repeats."""


@lru_cache(maxsize=1)
def _readings() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(PERIOD, SIGNALS) noisy readings of the first unit."""
    random = np.random.default_rng(1)
    level = np.array([*LEVELS.values(), *(30.0 + place for place in range(len(OTHERS)))])
    noise = np.array([DICTIONARY[name].noise if name in DICTIONARY else 0.05 for name in NAMES])
    shared = random.standard_normal((PERIOD, 1))
    readings: np.ndarray[tuple[int, int], np.dtype[np.float64]] = np.round(
        level + noise * (0.5 * shared + random.standard_normal((PERIOD, SIGNALS))), 4
    )
    return readings


def values(unit: int, second: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(SIGNALS,) what a unit reads in a second; each begins elsewhere in the noise."""
    row: np.ndarray[tuple[int], np.dtype[np.float64]] = _readings()[(second + 997 * unit) % PERIOD]
    return row


def frame(unit: int, sequence: int, times: int) -> SensorFrame:
    """A frame of 30 signals at `times` seconds."""
    seconds = range(sequence * times, (sequence + 1) * times)
    table = np.array([values(unit, second) for second in seconds]).T.tolist()
    return SensorFrame(
        site="bench",
        unit=f"BR-{unit:02d}",
        device="controller",
        epoch=1,
        sequence=sequence,
        time_us=[START_US + second * SECOND_US for second in seconds],
        signals={
            name: SignalColumn(unit=DICTIONARY[name].unit if name in DICTIONARY else "%", values=column)
            for name, column in zip(NAMES, table, strict=True)
        },
    )


def records(units: int, first: int, frames: int, times: int) -> list[Record]:
    """The frames of some units from sequence `first` on, as they lie in one partition."""
    made: list[Record] = []
    for sequence in range(first, first + frames):
        for unit in range(units):
            key, body, _ = outgoing(frame(unit, sequence, times))
            recorded_us = START_US + (sequence + 1) * times * SECOND_US
            made.append(Record(FRAMES.name, 0, sequence * units + unit, recorded_us, key, body))
    return made
