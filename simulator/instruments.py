"""What the instruments make of the truth: lag, transport delay, noise, wander, resolution, hanging."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, sqrt
from types import MappingProxyType
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True)
class Instrument:
    """One measuring chain; noise in the signal's unit.

    Attributes:
        unit: UCUM unit of the reading.
        lag_s: first-order time constant, 0 for none.
        delay_s: transport delay in whole seconds (a sample line).
        noise: standard deviation from one second to the next.
        wander: standard deviation of the slow part of the error.
        wander_s: time in which the slow part forgets.
        relative: further noise as a fraction of the reading.
        digits: decimal places of the reading.
        offset: what it shows too much (the residual current of an oxygen probe).
        floor: the reading never goes below it.
    """

    unit: str
    noise: float
    digits: int
    lag_s: float = 0.0
    delay_s: int = 0
    wander: float = 0.0
    wander_s: float = 120.0
    relative: float = 0.0
    offset: float = 0.0
    floor: float | None = None


INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {
        "pH": Instrument("[pH]", noise=0.002, wander=0.002, wander_s=300.0, lag_s=6.0, digits=3),
        "DO": Instrument(
            "%", noise=0.15, wander=0.15, wander_s=40.0, lag_s=22.0, offset=0.4, digits=2, floor=0.0
        ),
        "temperature": Instrument("Cel", noise=0.008, wander=0.008, lag_s=10.0, digits=3),
        "agitation": Instrument("{#}.min-1", noise=0.4, relative=0.001, digits=1, floor=0.0),
        "gas_flow": Instrument("L.min-1", noise=0.0, relative=0.002, digits=4, lag_s=1.0, floor=0.0),
        "volume": Instrument("L", noise=0.0004, wander=0.0004, lag_s=3.0, digits=4, floor=0.0),
        "feed_rate": Instrument("L.h-1", noise=0.0, relative=0.008, digits=6, floor=0.0),
        "offgas_O2": Instrument(
            "%", noise=0.004, wander=0.004, wander_s=600.0, lag_s=8.0, delay_s=15, digits=3
        ),
        "offgas_CO2": Instrument(
            "%", noise=0.003, wander=0.003, wander_s=600.0, lag_s=8.0, delay_s=15, digits=3, floor=0.0
        ),
        "pressure": Instrument("bar", noise=0.0004, wander=0.0006, wander_s=900.0, lag_s=1.0, digits=4),
    }
)
UNITS: Mapping[str, str] = MappingProxyType({name: made.unit for name, made in INSTRUMENTS.items()})
"""UCUM unit of each signal that the simulator gives."""


@dataclass(slots=True)
class _Chain:
    instrument: Instrument
    lagged: float
    line: deque[float]
    memory: float
    fresh: float
    stir: float
    wander: float = 0.0
    shown: float | None = None

    @classmethod
    def at(cls, instrument: Instrument, truth: float) -> Self:
        memory = exp(-1.0 / instrument.wander_s)
        return cls(
            instrument,
            lagged=truth,
            line=deque([truth] * instrument.delay_s),
            memory=memory,
            fresh=1.0 - exp(-1.0 / instrument.lag_s) if instrument.lag_s else 1.0,
            stir=instrument.wander * sqrt(1.0 - memory**2),
        )

    def read(self, truth: float, quick: float, slow: float) -> float:
        made = self.instrument
        if made.delay_s:
            self.line.append(truth)
            truth = self.line.popleft()
        self.lagged += self.fresh * (truth - self.lagged)
        self.wander = self.memory * self.wander + self.stir * slow
        value = (
            self.lagged + made.offset + self.wander + (made.noise + made.relative * abs(self.lagged)) * quick
        )
        value = round(value, made.digits)
        return max(value, made.floor) if made.floor is not None else value


@dataclass(slots=True)
class Panel:
    """All instruments of one vessel, read once a second."""

    random: np.random.Generator
    _chains: dict[str, _Chain] = field(default_factory=dict)
    _hanging: set[str] = field(default_factory=set)

    def hang(self, signals: Iterable[str]) -> None:
        """Let exactly these instruments repeat their last reading; all others read on."""
        self._hanging = set(signals)

    def read(self, truth: Mapping[str, float]) -> dict[str, float]:
        """One reading of each signal; a hanging instrument repeats its last reading to the bit."""
        noise = self.random.standard_normal(2 * len(truth)).tolist()
        readings: dict[str, float] = {}
        for index, (name, value) in enumerate(truth.items()):
            chain = self._chains.get(name)
            if chain is None:
                chain = self._chains[name] = _Chain.at(INSTRUMENTS[name], value)
            # A hanging instrument still meets the broth: it shows the truth again when it recovers.
            reading = chain.read(value, noise[2 * index], noise[2 * index + 1])
            if name not in self._hanging or chain.shown is None:
                chain.shown = reading
            readings[name] = chain.shown
        return readings
