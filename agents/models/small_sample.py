"""How far in the tail of Student's t many deviations lie, for spreads that few observations gave.

In decimal logarithms, so that no deviation is too large to be told from a larger one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln

if TYPE_CHECKING:
    from numpy.typing import NDArray

LN_10 = float(np.log(10.0))
SMALLEST = 1e-280
"""Below this the incomplete beta function nears what a float can hold, and its first term takes over."""
LARGEST = 1e150
"""Deviations are cut here: their square must be a float."""


def t_tail(t: NDArray[np.float64], freedom: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """-log10 of the two-sided P(|T| > |t|) of Student's t; shape of t, >= 0, NaN where t is NaN.

    P = I_x(freedom/2, 1/2) at x = freedom/(freedom + t^2), the regularised incomplete beta function (DLMF
    8.17); in the far tail its leading term, whose relative error does not matter in a logarithm.
    """
    cut = np.minimum(np.maximum(t, -LARGEST), LARGEST)
    a, b = np.asarray(freedom) / 2.0, 0.5
    ratio = cut * cut / freedom
    share = 1.0 / (1.0 + ratio)
    exact = betainc(a, b, share)
    natural = np.log(np.maximum(exact, SMALLEST))
    deep = exact <= SMALLEST
    if np.count_nonzero(deep):
        far = -a * np.log1p(ratio) + (b - 1.0) * np.log(np.maximum(ratio * share, SMALLEST)) - np.log(a)
        natural = np.where(deep, far - betaln(a, b), natural)
    score: NDArray[np.float64] = np.maximum(0.0, -natural / LN_10) + 0.0
    return score
