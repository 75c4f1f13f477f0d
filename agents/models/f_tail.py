"""How far out in the tail of an F distribution a statistic lies, without ever saturating.

Hotelling's T² of a new observation against a covariance of n observations in k dimensions is
k (n^2 - 1) / (n (n - k)) times F(k, n - k); the squared prediction error (SPE) is close to its mean times
F(h, n - 1), h after Box (1954). Their tails are powers: the
logarithm goes on where the probability underflows.
"""

from __future__ import annotations

from math import exp, inf, log, log1p

from scipy import special

LEAST = 1e-250
"""Below it the incomplete beta function loses its digits and a series takes over."""

TERMS = 10_000


def tail_score(ratio: float, above: float, below: float) -> float:
    """Return -log10 P(F > ratio) for F with `above` and `below` degrees of freedom; finite and >= 0.

    P = I_y(below / 2, above / 2), y = below / (below + above * ratio): DLMF 8.17.1.
    """
    if not ratio > 0.0:
        return 0.0
    a, b = below / 2.0, above / 2.0
    odds = ratio * (above / below)
    y = 1.0 / (1.0 + odds)
    probability = float(special.betainc(a, b, y))
    natural = log(probability) if probability > LEAST else _log_beta_tail(a, b, odds)
    return max(0.0, -natural / log(10.0))


def critical_ratio(score: float, above: float, below: float) -> float:
    """Return the ratio whose tail_score is `score` (below 200)."""
    y = float(special.betaincinv(below / 2.0, above / 2.0, exp(-score * log(10.0))))
    return (1.0 / y - 1.0) * below / above if y > 0.0 else inf


def _log_beta_tail(a: float, b: float, odds: float) -> float:
    """Return ln I_y(a, b), y = 1 / (1 + odds), by its power series (DLMF 8.17.8), for small y or large a."""
    y = 1.0 / (1.0 + odds)
    total = term = 1.0
    for n in range(TERMS):
        term *= y * (a + b + n) / (a + 1.0 + n)
        total += term
        if term < total * 1e-17:
            break
    log_y = -log(odds) - log1p(1.0 / odds)
    return a * log_y - b * log1p(1.0 / odds) - log(a) - float(special.betaln(a, b)) + log(total)
