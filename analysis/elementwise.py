"""Numbers one at a time or as vectors: what lets a formula take both and give back what it was given.

A formula says `X | float` for each of its arguments and `X` for its result: all floats give a float, and one
array among them an array of their common shape. Floats go through `math`, which is several times as fast as
NumPy on a single number.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Truth = bool | np.bool_ | NDArray[np.bool_]
X = TypeVar("X", float, Array)


def as_given(value: X | float) -> X:
    """The value itself; tells the type checker that a formula of arrays and floats gives an array."""
    same: Any = value
    result: X = same
    return result


def exp(value: X | float) -> X:
    """The exponential function."""
    result: Any = np.exp(value) if isinstance(value, np.ndarray) else math.exp(value)
    found: X = result
    return found


def log1p(value: X | float) -> X:
    """ln(1 + x), exact for small x."""
    return as_given(np.log1p(value) if isinstance(value, np.ndarray) else math.log1p(value))


def power(base: X | float, exponent: float) -> X:
    """`base` to a power that need not be whole; the base is not negative."""
    result: X = base**exponent
    return result


def least(first: X | float, second: X | float) -> X:
    """The smaller of two, element by element; NaN where an array has one."""
    result: Any
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        result = np.minimum(first, second)
    else:
        result = min(second, first)
    chosen: X = result
    return chosen


def greatest(first: X | float, second: X | float) -> X:
    """The larger of two, element by element; NaN where an array has one."""
    result: Any
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        result = np.maximum(first, second)
    else:
        result = max(second, first)
    chosen: X = result
    return chosen


def choose(condition: Truth, where_true: X | float, elsewhere: X | float) -> X:
    """`where_true` where the condition holds, `elsewhere` where it does not; both have been computed."""
    result: Any
    if isinstance(condition, np.ndarray):
        result = np.where(condition, where_true, elsewhere)
    else:
        result = where_true if condition else elsewhere
    chosen: X = result
    return chosen


def anywhere(condition: Truth) -> bool:
    """Whether the condition holds for one element at least."""
    return bool(condition.any()) if isinstance(condition, np.ndarray) else bool(condition)


def decay_ratio(value: X | float) -> X:
    """(1 - e^-x) / x for x >= 0, exact down to its limit of 1 at zero."""
    result: Any
    if isinstance(value, np.ndarray):
        rest = np.where(value == 0.0, 1.0, value)
        result = np.where(value == 0.0, 1.0, -np.expm1(-rest) / rest)
    else:
        result = -math.expm1(-value) / value if value else 1.0
    ratio: X = result
    return ratio
