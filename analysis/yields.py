"""What a culture turns over: amounts taken up and formed, specific rates, yields and maintenance.

Series are one-dimensional arrays over the same readings, time in hours. Amounts are concentration times
volume in litres, in whatever unit goes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.growth import accumulated_cells
from analysis.regression import Estimate, finite, line, plane
from schemas.errors import Unidentifiable

if TYPE_CHECKING:
    from analysis.elementwise import Array


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What a culture takes up, told apart by what it is for (Herbert 1958, Pirt 1965).

    Attributes:
        growth_yield: biomass from substrate if all of it went into growth, g/g or mol/mol.
        maintenance: uptake at rest, per biomass and hour.
        product_yield: product from substrate, or None where product was not told.
    """

    growth_yield: Estimate
    maintenance: Estimate
    product_yield: Estimate | None = None


def accumulated(time_h: Array, rate: Array, *, held: bool = False) -> Array:
    """What a rate per hour has summed up to at each reading; the first is zero.

    By trapezia, or if `held` with each reading kept until the next, as pumps keep their rate.
    """
    rate = np.asarray(rate, dtype=np.float64)
    between = rate[:-1] if held else 0.5 * (rate[1:] + rate[:-1])
    return np.concatenate([[0.0], np.cumsum(between * np.diff(time_h))])


def consumed(
    concentration: Array,
    volume_l: Array | float,
    *,
    fed: Array | float = 0.0,
    withdrawn_l: Array | float = 0.0,
) -> Array:
    """Amount that the culture has taken up by each reading: what was there and was `fed`, less what is left.

    d(S V)/dt = F Sf - S dW/dt - uptake. The negative is what was formed: of a product, or of biomass.

    Args:
        concentration: S, amount a litre.
        volume_l: V of the broth.
        fed: amount fed so far, the integral of F Sf.
        withdrawn_l: W, volume taken out so far; it left with the concentration between its two readings.
    """
    concentration = np.asarray(concentration, dtype=np.float64)
    out_l = np.broadcast_to(np.asarray(withdrawn_l, dtype=np.float64), concentration.shape)
    mean = 0.5 * (concentration[1:] + concentration[:-1])
    removed = np.concatenate([[0.0], np.cumsum(mean * np.diff(out_l))])
    supplied = np.broadcast_to(np.asarray(fed, dtype=np.float64), concentration.shape) - removed
    amount = concentration * volume_l
    return np.asarray(amount[0] - amount + supplied - supplied[0])


def specific_rate(
    time_h: Array, converted: Array, biomass_amount: Array, confidence: float = 0.95
) -> Estimate:
    """Amount converted per biomass and hour: slope of `converted` over the integral of X V.

    qS from `consumed`, qP and the death rate from its negative, qO2 from `accumulated` OUR times V. This is
    the integral of qS = -(d(S V)/dt - F Sf) / (X V), which need not differentiate noisy assays.

    Raises:
        Unidentifiable: fewer than three readings, or no biomass.
    """
    time_h, converted, biomass_amount = finite(time_h, converted, biomass_amount)
    return line(accumulated_cells(time_h, biomass_amount), converted).estimate(1, confidence)


def yield_coefficient(formed: Array, taken_up: Array, confidence: float = 0.95) -> Estimate:
    """Observed yield: slope of the amount formed over the amount taken up, such as Yxs of `consumed` series.

    Raises:
        Unidentifiable: fewer than three readings, or nothing taken up.
    """
    return line(taken_up, formed).estimate(1, confidence)


def overall_yield(formed: Array, taken_up: Array) -> float:
    """Yield from first to last reading, the ratio of the differences.

    Raises:
        Unidentifiable: nothing was taken up between them.
    """
    formed, taken_up = finite(formed, taken_up)
    if len(taken_up) < 2 or taken_up[-1] <= taken_up[0]:
        raise Unidentifiable(
            "Nothing was taken up between the first and the last reading: there is no yield."
        )
    return float((formed[-1] - formed[0]) / (taken_up[-1] - taken_up[0]))


def herbert_pirt(
    growth: Array, uptake: Array, production: Array | None = None, confidence: float = 0.95
) -> Maintenance:
    """Fit of qS = mu / Yxs,max + m (+ qP / Yps) to specific rates of several steady states or windows.

    Raises:
        Unidentifiable: too few rates, rates that do not vary (independently), or an uptake that does not rise
            with growth (or production) beyond doubt, so that its yield could be anything.
    """
    fit = plane(uptake, growth) if production is None else plane(uptake, growth, production)
    growth_yield = _inverse(fit.estimate(1, confidence), "growth")
    product = None if production is None else _inverse(fit.estimate(2, confidence), "production")
    return Maintenance(growth_yield, fit.estimate(0, confidence), product)


def _inverse(cost: Estimate, what: str) -> Estimate:
    """The yield of which `cost` is the inverse."""
    if cost.low <= 0.0:
        raise Unidentifiable(
            f"Uptake does not rise with {what} beyond doubt ({cost.low:.3g} to {cost.high:.3g} per unit);"
            f" give rates over a wider range of {what}."
        )
    error = cost.error / cost.value**2
    return Estimate(1.0 / cost.value, error, 1.0 / cost.high, 1.0 / cost.low, cost.r2, cost.points)
