"""Least squares with an honest error: straight lines, planes, curves, and Student's t for their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import Unidentifiable

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.elementwise import Array

MOST_STEPS = 200
"""A fit that has not settled by then does not settle."""
SETTLED = 1e-12
"""Relative gain in the sum of squares below which a fit has settled."""
FAINT = 1e-12
"""Variation of this fraction of a value is rounding."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity read from data, with what the data leave open.

    Attributes:
        value: the estimate.
        error: its standard error, in the same unit.
        low: lower end of the confidence interval.
        high: its upper end.
        r2: share of the variance that the fit explains; NaN where nothing varied.
        points: readings that went into it.
    """

    value: float
    error: float
    low: float
    high: float
    r2: float
    points: int

    def times(self, factor: float) -> Estimate:
        """The same in a unit of which `factor` (positive) go on one of the present."""
        value, error, low, high = (factor * part for part in (self.value, self.error, self.low, self.high))
        return Estimate(value, error, low, high, self.r2, self.points)


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters of a model fitted by least squares.

    Attributes:
        parameters: one value each.
        covariance: of the parameters, from the scatter about the fit.
        r2: share of the variance that the fit explains.
        points: readings fitted.
    """

    parameters: Array
    covariance: Array
    r2: float
    points: int

    def estimate(self, index: int, confidence: float = 0.95) -> Estimate:
        """One parameter with its standard error and interval."""
        return interval(
            float(self.parameters[index]),
            math.sqrt(max(0.0, float(self.covariance[index, index]))),
            self.points,
            len(self.parameters),
            r2=self.r2,
            confidence=confidence,
        )


def interval(
    value: float, error: float, points: int, fitted: int, *, r2: float, confidence: float = 0.95
) -> Estimate:
    """`value` with the interval of Student's t, where `fitted` parameters share the points."""
    reach = student_t(0.5 + 0.5 * confidence, points - fitted) * error
    return Estimate(value, error, value - reach, value + reach, r2, points)


def finite(*columns: Array) -> tuple[Array, ...]:
    """The columns as floats, without the rows in which one of them is missing (NaN).

    Raises:
        ValueError: the columns differ in length.
    """
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        raise ValueError(
            f"columns of shapes {[array.shape for array in arrays]}: they must be equally long rows"
        )
    present = np.logical_and.reduce([np.isfinite(array) for array in arrays])
    return tuple(array[present] for array in arrays)


def line(x: Array, y: Array) -> Fit:
    """The straight line y = parameters[0] + parameters[1] x.

    Raises:
        Unidentifiable: fewer than three readings, or x does not vary.
    """
    return plane(y, x)


def plane(y: Array, *columns: Array, through_origin: bool = False) -> Fit:
    """Y = p0 + p1 x1 + p2 x2 + …; without p0 if the plane goes through the origin.

    Raises:
        Unidentifiable: not more readings than parameters, or the columns do not vary independently.
    """
    y, *xs = finite(y, *columns)
    fitted = len(xs) + (not through_origin)
    if len(y) <= fitted:
        raise Unidentifiable(
            f"{len(y)} readings do not determine {fitted} parameters and an error; give {fitted + 1} or more."
        )
    centre = [0.0 if through_origin else float(x.mean()) for x in xs]
    scale = [float(np.sqrt(np.mean((x - c) ** 2))) for x, c in zip(xs, centre, strict=True)]
    for x, spread in zip(xs, scale, strict=True):
        if spread <= FAINT * float(np.abs(x).max(initial=0.0)):
            raise Unidentifiable(
                "What the readings are plotted against does not vary, so no slope can be read."
            )
    standard = [(x - c) / s for x, c, s in zip(xs, centre, scale, strict=True)]
    design = np.column_stack(standard if through_origin else [np.ones_like(y), *standard])
    singular = np.linalg.svd(design, compute_uv=False)
    if singular[-1] <= 1e-9 * singular[0]:
        raise Unidentifiable(
            "What the readings are plotted against varies together; its parts cannot be told apart."
        )
    found = np.linalg.lstsq(design, y)[0]
    back = np.diag([1.0 / s for s in scale])
    if not through_origin:
        # From centred and scaled columns back to those given: p0 carries what the centring took away.
        shift = np.array([-c / s for c, s in zip(centre, scale, strict=True)])
        back = np.block([[np.ones((1, 1)), shift[None, :]], [np.zeros((len(xs), 1)), back]])
    covariance = np.linalg.inv(design.T @ design) * _variance(y - design @ found, fitted)
    return Fit(back @ found, back @ covariance @ back.T, _explained(y, y - design @ found), len(y))


def curve(model: Callable[[Array], Array], start: Array, observed: Array, scale: Array | None = None) -> Fit:
    """The parameters whose `model(parameters)` comes nearest to `observed` (Levenberg 1944, Marquardt 1963).

    `start` says where to begin, `scale` what a large step of each parameter is: if absent, the size of
    `start`, which then must not contain zeros.

    Raises:
        Unidentifiable: not more readings than parameters, or the readings leave a parameter open.
    """
    if len(observed) <= len(start):
        raise Unidentifiable(
            f"{len(observed)} readings do not determine {len(start)} parameters and their error."
        )
    scale = np.abs(start) if scale is None else scale
    at, damping = start / scale, 1e-3
    rest = observed - model(at * scale)
    squares = float(rest @ rest)
    for _ in range(MOST_STEPS):
        slope = _slopes(model, at, scale)
        normal, gradient = slope.T @ slope, slope.T @ rest
        step = np.linalg.lstsq(normal + damping * np.diag(np.diag(normal)), gradient)[0]
        tried = observed - model((at + step) * scale)
        gained = squares - float(tried @ tried)
        if np.isfinite(gained) and gained >= 0.0:
            at, rest, squares, damping = at + step, tried, squares - gained, max(damping / 10.0, 1e-14)
            if gained <= SETTLED * squares + np.finfo(float).tiny:
                break
        elif damping > 1e12:
            break
        else:
            damping *= 10.0
    slope = _slopes(model, at, scale)
    singular = np.linalg.svd(slope, compute_uv=False)
    if not np.all(np.isfinite(singular)) or singular[-1] <= 1e-8 * singular[0]:
        raise Unidentifiable("The readings leave a parameter open: other values of it fit them as well.")
    covariance = np.linalg.inv(slope.T @ slope) * _variance(rest, len(start)) * np.outer(scale, scale)
    return Fit(at * scale, covariance, _explained(observed, rest), len(observed))


def _slopes(model: Callable[[Array], Array], at: Array, scale: Array) -> Array:
    """Central differences of the model by each scaled parameter."""
    columns = []
    for index in range(len(at)):
        step = np.zeros_like(at)
        step[index] = 1e-6 * max(abs(float(at[index])), 1.0)
        columns.append((model((at + step) * scale) - model((at - step) * scale)) / (2.0 * step[index]))
    return np.column_stack(columns)


def _variance(rest: Array, fitted: int) -> float:
    return float(rest @ rest) / (len(rest) - fitted)


def _explained(y: Array, rest: Array) -> float:
    total = float(np.sum((y - y.mean()) ** 2))
    return 1.0 - float(rest @ rest) / total if total > 0.0 else math.nan


@lru_cache(maxsize=1024)
def student_t(probability: float, freedom: int) -> float:
    """The value that a t variable of `freedom` degrees stays below with `probability` (0.5 to 1).

    Bisects the distribution function, a finite sum for whole degrees (Abramowitz and Stegun 26.7.3-4); from a
    thousand degrees on it takes the expansion about the normal quantile (26.7.5), exact to 1e-9 there.

    Raises:
        ValueError: a probability outside [0.5, 1), or no degree of freedom.
    """
    if not 0.5 <= probability < 1.0 or freedom < 1:
        raise ValueError(
            f"probability {probability} and {freedom} degrees of freedom: t has no such quantile"
        )
    if freedom >= 1000:
        z = NormalDist().inv_cdf(probability)
        return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    low, high = 0.0, 1.0
    while _student_cdf(high, freedom) < probability:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _student_cdf(middle, freedom) < probability else (low, middle)
    return 0.5 * (low + high)


def _student_cdf(t: float, freedom: int) -> float:
    angle = math.atan2(t, math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for index in range(freedom // 2):
        total += term
        step = 2 * index + 1 + odd
        term *= cosine * cosine * step / (step + 1)
    within = 2.0 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
    return 0.5 + 0.5 * within
