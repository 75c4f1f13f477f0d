"""kLa from what a slow probe shows: gassing out and the pause of the gas in a culture, corrected for its lag.

Least squares on the integrated balance of broth and first-order probe (Badino et al. 2000, J Chem Technol
Biotechnol 75:469). Time in seconds, concentrations in any one unit, kLa in 1/h.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, nan
from typing import TYPE_CHECKING

import numpy as np

from analysis.kla import SECONDS_PER_H
from analysis.oxygen import probe_step_response
from analysis.regression import Estimate, Fit, curve, finite, interval, line
from schemas.errors import Unidentifiable

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.elementwise import Array

LAG_ERROR = 0.05
"""Relative standard error of a probe's time constant where nothing better is known."""
VAGUE = 0.5
"""Half of the confidence interval over the value, above which a rate counts as not determined."""
LONGEST_LAG_S = 60.0
"""A slower probe is old or fouled (30 to 60 s when new, 3 to 5 min at the end of its life)."""


@dataclass(frozen=True, slots=True)
class ProbedTransfer:
    """kLa behind a probe.

    Attributes:
        kla: 1/h.
        lag_s: the probe's time constant; None where it was told and not fitted.
    """

    kla: Estimate
    lag_s: Estimate | None = None


@dataclass(frozen=True, slots=True)
class DynamicTransfer:
    """What a pause of the gas tells about a culture.

    Attributes:
        kla: 1/h.
        our: oxygen uptake rate, concentration per hour.
        saturated: C*, from the level that is reached again: C* = level + OUR/kLa.
    """

    kla: Estimate
    our: Estimate
    saturated: float


def probed_gassing_out(
    time_s: Array,
    shown: Array,
    saturated: float,
    lag_s: float | None,
    *,
    lag_error: float = LAG_ERROR,
    longest_lag_s: float = LONGEST_LAG_S,
    confidence: float = 0.95,
) -> ProbedTransfer:
    """Fit of kLa to what a first-order probe shows after aeration began at `time_s` 0.

    Least squares on the integrated response of broth and probe, from the level at the start (fitted) to C*.
    The error holds the scatter and `lag_error`, the relative error of the lag.

    With `lag_s` None the lag is fitted, too. The response is the same when transfer and probe change places:
    the slower is the transfer if it is too slow for a probe, slower than `longest_lag_s`; else either may
    be.

    Raises:
        Unidentifiable: too few readings, or a kLa that the lag hides: an interval of more than half its
        value.
    """
    time_s, shown = finite(time_s, shown)
    time_s, shown = time_s[time_s >= 0.0], shown[time_s >= 0.0]
    delay = _mean_delay(time_s, shown, saturated)
    size = abs(saturated - float(shown[0]))

    def response(rates: Array, start: float, lag: float) -> Array:
        return start + (saturated - start) * probe_step_response(
            time_s, SECONDS_PER_H * abs(float(rates[0])), lag
        )

    def known(lag: float) -> Fit:
        guess = np.array([1.0 / max(delay - lag, 0.1 * delay), shown[0]])
        return curve(lambda p: response(p, float(p[1]), lag), guess, shown, np.array([guess[0], size]))

    if lag_s is not None:
        return ProbedTransfer(_determined(known, lag_s, 0, lag_error, confidence))
    guess = np.array([1.0 / (0.7 * delay), shown[0], 0.3 * delay])
    fit = curve(
        lambda p: response(p, float(p[1]), max(abs(float(p[2])), 1e-6 * delay)),
        guess,
        shown,
        np.array([guess[0], size, guess[2]]),
    )
    slow, fast = _told_apart(fit, longest_lag_s, confidence)
    return ProbedTransfer(slow, fast)


def probe_lag(time_s: Array, shown: Array, confidence: float = 0.95) -> Estimate:
    """Time constant in s of a probe moved from one medium into another at `time_s` 0 (63 % of the way).

    Raises:
        Unidentifiable: too few readings, or a record too short to show where the probe settles.
    """
    time_s, shown = finite(time_s, shown)
    time_s, shown = time_s[time_s >= 0.0], shown[time_s >= 0.0]
    delay = _mean_delay(time_s, shown, float(shown[-1]) if len(shown) else nan)
    size = abs(float(shown[-1] - shown[0]))
    fit = curve(
        lambda p: p[1] + (p[2] - p[1]) * np.exp(-time_s / max(abs(float(p[0])), 1e-6 * delay)),
        np.array([delay, shown[-1], shown[0]]),
        shown,
        np.array([delay, size, size]),
    )
    return _vouched(fit.estimate(0, confidence), "The record does not show where the probe settles")


def dynamic_kla(
    time_s: Array,
    shown: Array,
    aerated_s: float,
    *,
    lag_s: float = 0.0,
    lag_error: float = LAG_ERROR,
    critical: float = 0.0,
    confidence: float = 0.95,
) -> DynamicTransfer:
    """Fit of kLa and OUR to a culture whose gas was off from the first reading until `aerated_s`.

    Off, oxygen falls by OUR; on again, it returns by dC/dt = kLa (C* - C) - OUR to its level (Taguchi and
    Humphrey 1966; with the probe's lag Badino et al. 2000). Both parts are fitted at once on the integrated
    balance. Oxygen was steady as the gas went off, at the first reading; uptake is constant, so oxygen stays
    above the `critical` concentration; the surface does not aerate.

    Raises:
        Unidentifiable: too few readings in a part, oxygen down to the critical level, or a kLa that is not
            determined.
    """
    time_s, shown = finite(time_s, shown)
    off, on = time_s < aerated_s, time_s >= aerated_s
    if off.sum() < 3 or on.sum() < 3:
        raise Unidentifiable(
            f"{off.sum()} readings without gas and {on.sum()} with it: three of each are the least."
        )
    if shown[off].min() <= critical:
        raise Unidentifiable(
            f"Oxygen fell to {shown[off].min():g} and is critical at {critical:g}: uptake was not constant."
            " Aerate again earlier."
        )
    since = time_s - aerated_s
    intercept, slope = line(since[off], shown[off]).parameters
    level = float(shown[on][-1])
    delay = _mean_delay(since[on], shown[on], level)
    size = abs(level - float(intercept))

    def with_lag(lag: float) -> Fit:
        guess = np.array([1.0 / max(delay - lag, 0.1 * delay), -slope, intercept, level])
        scale = np.array([guess[0], max(abs(slope), size / delay * 1e-3), size, size])
        return curve(lambda p: _pause(since, p, lag), guess, shown, scale)

    fit = with_lag(lag_s)
    kla = _determined(with_lag, lag_s, 0, lag_error, confidence)
    our = fit.estimate(1, confidence).times(SECONDS_PER_H)
    return DynamicTransfer(kla, our, float(fit.parameters[3]) + our.value / kla.value)


def _pause(since: Array, parameters: Array, lag_s: float) -> Array:
    """What a probe shows of a pause: kLa in 1/s, OUR per s, end of its ramp, level reached again.

    On a ramp a first-order probe comes to follow one lag behind, so the broth ends that much lower.
    """
    rate, uptake, ramp, level = (float(each) for each in parameters)
    rate, after, broth = abs(rate), np.maximum(since, 0.0), ramp - uptake * lag_s
    if lag_s <= 0.0:
        back = level + (broth - level) * np.exp(-rate * after)
        return np.asarray(np.where(since < 0.0, ramp - uptake * since, back))
    # The probe was at rest when the gas went off, and is never quite as far behind as it comes to be.
    bends = uptake * lag_s * np.exp(-np.minimum(since - since.min(), -since.min()) / lag_s)
    forgets = np.exp(-after / lag_s)
    filled = probe_step_response(after, SECONDS_PER_H * rate, lag_s)
    back = (ramp - bends) * forgets + broth * (1.0 - forgets) + (level - broth) * filled
    return np.asarray(np.where(since < 0.0, ramp - uptake * since - bends, back))


def _mean_delay(time_s: Array, shown: Array, end: float) -> float:
    """Mean time by which a rise to `end` lags behind a step: 1/kLa and the probe's time constant together."""
    if len(time_s) < 3 or end == shown[0]:
        raise Unidentifiable("There is no rise over three readings or more.")
    share = (end - shown) / (end - shown[0])
    delay = float(np.sum(0.5 * (share[1:] + share[:-1]) * np.diff(time_s)))
    if not (delay > 0.0 and abs(share[-1]) < 0.5):
        raise Unidentifiable(
            "Oxygen does not come half the way to its end value; record longer, and check C* and the order."
        )
    return delay


def _determined(
    fitted: Callable[[float], Fit], lag_s: float, index: int, lag_error: float, confidence: float
) -> Estimate:
    """The rate in 1/h with the lag's error added to that of the scatter; refused if it is vague."""
    fit = fitted(lag_s)
    alone = fit.estimate(index, confidence)
    error = alone.error
    if lag_s > 0.0 and lag_error > 0.0:
        longer, shorter = (fitted(lag_s * (1.0 + sign * lag_error)) for sign in (1.0, -1.0))
        error = hypot(error, 0.5 * float(abs(longer.parameters[index]) - abs(shorter.parameters[index])))
    value = abs(alone.value)
    whole = interval(value, error, fit.points, len(fit.parameters), r2=fit.r2, confidence=confidence)
    hides = f"A probe of {lag_s:g} s hides kLa (their product is {value * lag_s:.1f})"
    return _vouched(whole, hides).times(SECONDS_PER_H)


def _told_apart(fit: Fit, longest_lag_s: float, confidence: float) -> tuple[Estimate, Estimate]:
    """(kLa in 1/h, lag in s) of a fit of both; the faster is the probe."""
    rate, lag = fit.estimate(0, confidence), fit.estimate(2, confidence)
    equal = "Transfer and probe are about equally fast and cannot be told apart; measure the lag by itself"
    for each in (rate, lag):
        _vouched(each, equal)
    if rate.value * lag.value > 1.0:
        rate, lag = _inverted(lag), _inverted(rate)
    if 1.0 / rate.high < longest_lag_s:
        raise Unidentifiable(
            f"The time constants {1.0 / rate.value:.0f} s and {lag.value:.0f} s may each be the probe's;"
            " measure the lag by itself."
        )
    return rate.times(SECONDS_PER_H), lag


def _inverted(each: Estimate) -> Estimate:
    value = 1.0 / each.value
    return Estimate(value, each.error * value**2, 1.0 / each.high, 1.0 / each.low, each.r2, each.points)


def _vouched(each: Estimate, otherwise: str) -> Estimate:
    """The estimate, if its interval is narrow enough to be worth a number."""
    if not each.high - each.value <= VAGUE * abs(each.value):
        raise Unidentifiable(f"{otherwise}: {each.value:.3g} with an error of {each.error:.2g}.")
    return each
