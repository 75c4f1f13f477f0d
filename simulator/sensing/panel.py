"""All instruments of a fleet: what they make of the truth, as arrays of signals by units.

A chain is: sample line (delay), first-order lag, slope and zero as calibrated and as they run off since, slow
wander, noise, decimals, range. A fault is laid over it (`overlay.py`) and changes no random number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.gas_balance import DRY_AIR_CO2, DRY_AIR_O2
from schemas.errors import SettingsError
from simulator.sensing.draws import Draws, generator
from simulator.sensing.instrument import instrument
from simulator.sensing.overlay import EXCEEDED, FAILED, GOOD, Overlays
from simulator.sensing.sample_line import SampleLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from simulator.physics.state import Floats
    from simulator.sensing.instrument import Instrument

SECONDS_PER_DAY = 86400.0
ROOM_AIR = {"offgas_O2": 100.0 * DRY_AIR_O2, "offgas_CO2": 100.0 * DRY_AIR_CO2}
"""What an analyser shows of room air, %."""


class Panel:
    """The instruments of N units: one row a signal, one column a unit.

    Args:
        signals: names of the dictionary that have an entry in `instruments.yaml`.
        seeds: one a unit; the same seed gives the same instruments and noise whatever else is in the fleet.
        full_scale: (N,) of each signal whose instrument is chosen for its vessel (`full_scales(vessels)`).

    Attributes:
        readings: (S, N) last shown; NaN where a unit has no such instrument (its truth is NaN).
        status: (S, N) OPC UA codes of the readings.
        full_scale: (S, N) upper end of the range, in the signal's unit.
        scale: (S, N) what the instrument's errors are shares of: full scale where that is chosen for the
            vessel, else 1.
        gross_error: (S, N) size of an error that makes a probe wrong, in the signal's unit.

    Raises:
        SettingsError: a signal without an instrument, or an instrument without its full scale.
    """

    def __init__(
        self, signals: Sequence[str], seeds: Sequence[int], full_scale: Mapping[str, Floats]
    ) -> None:
        self.signals = tuple(signals)
        self.instruments = tuple(instrument(name) for name in self.signals)
        self.row: Mapping[str, int] = {name: row for row, name in enumerate(self.signals)}
        self.units = len(seeds)
        made = self.instruments
        self.full_scale = _full_scale(made, full_scale) * np.ones(self.units)
        self.scale = np.where([[one.of_full_scale] for one in made], self.full_scale, 1.0)
        self.gross_error = _column(made, "gross_error") * self.scale
        low = np.array([[-np.inf if one.range is None else one.range[0]] for one in made])
        self._low = np.maximum(low, _column(made, "floor", absent=-np.inf))
        self._tens = 10.0 ** np.ceil(-np.log10(_column(made, "resolution") * self.scale) - 1e-9)
        self._lag_s = np.maximum(_column(made, "lag_s"), 1e-9) * np.ones(self.units)
        self._relative = _column(made, "relative")
        self._noise = _column(made, "noise") * self.scale
        self._wander_sd = _column(made, "wander") * self.scale
        self._wander_s = _column(made, "wander_s")
        self._calibrate(seeds)
        self._noisy = np.flatnonzero([one.noise > 0.0 or one.relative > 0.0 for one in made])
        self._slow = np.flatnonzero([one.wander > 0.0 for one in made])
        self._draws = Draws(seeds, "instrument noise", self._noisy.size + self._slow.size)
        self._line = SampleLine(self.instruments, self.units)
        self._breathing = np.array([self.row[name] for name in ROOM_AIR if name in self.row], np.int64)
        self._air = np.array([[ROOM_AIR[self.signals[row]]] for row in self._breathing]).reshape(-1, 1)
        self._begin()

    def _calibrate(self, seeds: Sequence[int]) -> None:
        shape = (len(self.signals), self.units)
        drawn = np.empty((4, *shape))
        for row, made in enumerate(self.instruments):
            for unit, seed in enumerate(seeds):
                # By device and not in sequence, so that a further signal leaves the others' errors alone.
                drawn[:, row, unit] = generator(seed, f"calibration of {made.device}").standard_normal(4)
        zero, gain, zero_drift, gain_drift = drawn
        made_of = self.instruments
        self._zero = (_column(made_of, "offset") + zero * _column(made_of, "offset_sd")) * self.scale
        self._gain = 1.0 + gain * _column(made_of, "gain_sd")
        per_s = 1.0 / SECONDS_PER_DAY
        self._zero_per_s = zero_drift * _column(made_of, "offset_drift_per_day") * self.scale * per_s
        self._gain_per_s = gain_drift * _column(made_of, "gain_drift_per_day") * per_s

    def _begin(self) -> None:
        shape = (len(self.signals), self.units)
        self._nothing = np.full(self.units, np.nan)
        self._lagged: Floats | None = None
        self._step_s = 0.0
        self._age_s = 0.0
        self._wander = np.zeros(shape)
        self.readings = np.full(shape, np.nan)
        self.status: NDArray[np.uint32] = np.full(shape, GOOD)

    def read(
        self, truth: Mapping[str, Floats], dt_s: float = 1.0, wrong: Overlays | None = None
    ) -> dict[str, Floats]:
        """What every instrument shows at the end of a step of `dt_s`: signal to (N,), in its unit.

        truth: (N,) by signal; NaN where a unit has no such instrument, absent where none has.
        """
        actual = np.array([truth.get(name, self._nothing) for name in self.signals], np.float64)
        wrong = wrong if wrong is not None and wrong.touched else None
        if self._lagged is None:
            self._lagged = actual.copy()
            self._line.fill(actual)
        if dt_s != self._step_s:
            self._set_step(dt_s)
        self._line.pass_on(actual, dt_s, None if wrong is None else wrong.later_s)
        fresh = self._fresh
        if wrong is not None:
            rows = self._breathing
            leak = wrong.air_share[rows]
            actual[rows] = np.where(
                leak > 0.0, actual[rows] + leak * (self._air - actual[rows]), actual[rows]
            )
            if wrong.slower_s.any():
                slow = -np.expm1(-dt_s / (self._lag_s + wrong.slower_s))
                fresh = np.where(wrong.slower_s > 0.0, slow, self._fresh)
        self._lagged += fresh * (actual - self._lagged)
        self._age_s += dt_s
        shown = self._with_errors(self._lagged)
        if wrong is not None:
            shown += wrong.bias
        shown = np.rint(shown * self._tens) / self._tens
        status = np.where(shown > self.full_scale, EXCEEDED, GOOD)
        shown = np.clip(shown, self._low, self.full_scale)
        if wrong is not None:
            shown = np.minimum(shown, wrong.ceiling)
            held = (wrong.frozen | wrong.failed) & ~np.isnan(self.readings)
            shown = np.where(held, self.readings, shown)
            # One that hangs does not know it.
            status = np.where(wrong.failed, FAILED, np.where(wrong.frozen, GOOD, status))
        self.readings, self.status = shown, status
        return dict(zip(self.signals, shown, strict=True))

    def _set_step(self, dt_s: float) -> None:
        self._step_s = dt_s
        self._fresh = -np.expm1(-dt_s / self._lag_s)
        memory = np.exp(-dt_s / self._wander_s[self._slow])
        self._memory = memory
        self._stir = self._wander_sd[self._slow] * np.sqrt(1.0 - memory * memory)

    def _with_errors(self, lagged: Floats) -> Floats:
        drawn = self._draws.step()
        quick, slow = drawn[: self._noisy.size], drawn[self._noisy.size :]
        wander = self._memory * self._wander[self._slow] + self._stir * slow
        self._wander[self._slow] = wander
        shown = lagged * (self._gain + self._age_s * self._gain_per_s)
        shown += self._zero + self._age_s * self._zero_per_s + self._wander
        noisy = self._noisy
        shown[noisy] += (self._noise[noisy] + self._relative[noisy] * np.abs(lagged[noisy])) * quick
        return shown


def _full_scale(made: Sequence[Instrument], chosen: Mapping[str, Floats]) -> Floats:
    missing = [one.name for one in made if one.of_full_scale and one.name not in chosen]
    if missing:
        raise SettingsError(f"The full scale of {', '.join(missing)} is not given.")
    rows = [chosen[one.name] if one.range is None else np.full(1, one.range[1]) for one in made]
    width = max((row.size for row in rows), default=1)
    return np.array([np.broadcast_to(row, width) for row in rows])


def _column(made: Sequence[Instrument], field: str, absent: float = 0.0) -> Floats:
    """One field of every instrument, (S, 1)."""
    values = [getattr(one, field) for one in made]
    return np.array([[absent if value is None else value] for value in values], np.float64)
