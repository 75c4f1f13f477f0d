"""How fast a culture grows, from measured series.

Series are one-dimensional arrays over the same readings, time in hours; a reading with NaN is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np

from analysis.elementwise import Array, X, as_given, choose
from analysis.regression import Estimate, finite, line, student_t
from schemas.errors import Unidentifiable

FEWEST = 3
"""Readings below which a slope has no error."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a culture and how fast it grew there.

    Attributes:
        start_h: time of the first reading in it.
        end_h: time of the last.
        rate: specific growth rate, 1/h.
    """

    start_h: float
    end_h: float
    rate: Estimate


def doubling_time(rate_per_h: X | float) -> X:
    """Hours in which a culture doubles, ln 2 / mu; infinite where it does not grow."""
    grows = rate_per_h > 0.0
    return choose(grows, as_given(log(2.0) / choose(grows, rate_per_h, 1.0)), inf)


def growth_rate(
    time_h: Array,
    biomass: Array,
    *,
    volume_l: Array | float = 1.0,
    withdrawn_l: Array | float = 0.0,
    confidence: float = 0.95,
) -> Estimate:
    """Specific growth rate in 1/h, the slope of ln X over time; give a window of exponential growth.

    With `volume_l` of ln(X V), which feeding does not dilute: d ln(X V)/dt = d ln X/dt + F/V. `withdrawn_l`,
    the volume taken out so far, gives back what samples took: their cells had grown, too. Of viable cells
    this is the net rate; the gross one is higher by the death rate (`yields.specific_rate` of the dead).

    Raises:
        Unidentifiable: fewer than three readings, all at one time, or biomass or volume that is not positive.
    """
    time_h, grown = _log_amount(time_h, biomass, volume_l, withdrawn_l)
    return line(time_h, grown).estimate(1, confidence)


def growth_rates(
    time_h: Array,
    biomass: Array,
    window_h: float,
    *,
    volume_l: Array | float = 1.0,
    withdrawn_l: Array | float = 0.0,
) -> tuple[Array, Array, Array]:
    """(time, growth rate, its standard error) at each reading, over the `window_h` hours that end there.

    NaN where the window holds fewer than three readings. See `growth_rate` for the rest.

    Raises:
        ValueError: the readings are not in order of time.
        Unidentifiable: biomass or volume that is not positive.
    """
    time_h, grown = _log_amount(time_h, biomass, volume_l, withdrawn_l)
    rate, error, _ = _trailing_slopes(time_h, grown, window_h)
    return time_h, rate, error


def fastest_growth(
    time_h: Array,
    biomass: Array,
    window_h: float,
    *,
    volume_l: Array | float = 1.0,
    withdrawn_l: Array | float = 0.0,
    confidence: float = 0.95,
) -> Window:
    """The window of `window_h` hours in which growth was fastest beyond doubt.

    That is the highest lower end of the interval; the steepest slope would be the window of the luckiest
    noise.

    Raises:
        ValueError: the readings are not in order of time.
        Unidentifiable: no window holds three readings, or biomass or volume that is not positive.
    """
    time_h, grown = _log_amount(time_h, biomass, volume_l, withdrawn_l)
    rate, error, count = _trailing_slopes(time_h, grown, window_h)
    reach = np.array([student_t(0.5 + 0.5 * confidence, max(1, int(n) - 2)) for n in count])
    sure = np.where(np.isfinite(rate), rate - reach * error, -inf)
    if not np.any(sure > -inf):
        raise Unidentifiable(f"No window of {window_h} h holds {FEWEST} readings; take a longer one.")
    last = int(np.argmax(sure))
    part = slice(last + 1 - int(count[last]), last + 1)
    estimate = line(time_h[part], grown[part]).estimate(1, confidence)
    return Window(float(time_h[part][0]), float(time_h[last]), estimate)


def accumulated_cells(time_h: Array, cells: Array) -> Array:
    """Integral of viable cells (IVCD) or biomass over time: cells times hours, zero at the first reading.

    Between readings cells grow exponentially, so their mean is the logarithmic one; a trapezium is 8 % too
    large at mu = 0.5 1/h and a reading every two hours. Where there are no cells, by trapezia.
    """
    cells = np.asarray(cells, dtype=np.float64)
    first, second = cells[:-1], cells[1:]
    curved = (first > 0.0) & (second > 0.0) & (first != second)
    one, two = np.where(curved, first, 1.0), np.where(curved, second, 2.0)
    mean = np.where(curved, (two - one) / np.log1p((two - one) / one), 0.5 * (first + second))
    return np.concatenate([[0.0], np.cumsum(mean * np.diff(time_h))])


def _log_amount(
    time_h: Array, biomass: Array, volume_l: Array | float, withdrawn_l: Array | float
) -> tuple[Array, Array]:
    """Times, and ln(X V) there plus what samples took of it."""
    shape = np.shape(time_h)
    volumes, out = (np.broadcast_to(np.asarray(each, float), shape) for each in (volume_l, withdrawn_l))
    time_h, biomass, volumes, out = finite(time_h, biomass, volumes, out)
    amount = np.where(volumes > 0.0, biomass * volumes, -1.0)
    if np.any(amount <= 0.0):
        where = int(np.argmax(amount <= 0.0))
        raise Unidentifiable(
            f"Biomass {biomass[where]:g} in {volumes[where]:g} L at {time_h[where]:g} h has no logarithm;"
            " leave out what lies below the blank."
        )
    taken = np.diff(out) * 0.5 * (1.0 / volumes[1:] + 1.0 / volumes[:-1])
    return time_h, np.log(amount) + np.concatenate([[0.0], np.cumsum(taken)])[: len(amount)]


def _trailing_slopes(time_h: Array, values: Array, window_h: float) -> tuple[Array, Array, Array]:
    """(slope, its standard error, readings) of the window that ends at each reading, by running sums."""
    if np.any(np.diff(time_h) < 0.0):
        raise ValueError("readings are not in order of time; sort them first")
    last = np.arange(1, len(time_h) + 1)
    # A hair of slack keeps a reading that is exactly one window away.
    first = np.searchsorted(time_h, time_h - window_h * (1.0 + 1e-9))
    count = (last - first).astype(np.float64)
    x, y = time_h - time_h.mean(), values - values.mean()
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (x, y, x * x, x * y, y * y)]
    sx, sy, sxx, sxy, syy = (part[last] - part[first] for part in sums)
    xx, xy, yy = sxx - sx * sx / count, sxy - sx * sy / count, syy - sy * sy / count
    told = (count >= FEWEST) & (xx > 0.0)
    xx = np.where(told, xx, 1.0)
    rest = np.maximum(0.0, yy - xy * xy / xx) / np.where(told, count - 2.0, 1.0)
    return np.where(told, xy / xx, np.nan), np.where(told, np.sqrt(rest / xx), np.nan), count
