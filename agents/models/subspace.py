"""Where signals usually are together, and how far from there an observation is: Hotelling's T² and SPE.

The correlation matrix of the baseline is split into its leading principal subspace, in which T² measures how
unusual the level is, and the rest, whose squared length (SPE, or Q) measures how far the signals have come
apart. Signals that are missing are left out of the matrix, not filled in.
Jackson, A User's Guide to Principal Components (1991), chapters 1-2; Miller, Swanson and Heckler, Int. J.
Appl. Math. Comput. Sci. 8 (1998) for contributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.f_tail import critical_ratio, tail_score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LEAST_EIGENVALUE = 1e-6
"""Of a correlation matrix: directions below it are arithmetic (one signal repeats another), not process."""

PATTERNS = 64
"""Sets of present features whose subspaces are kept at hand."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far an observation is: each statistic over its expected scale (an F variate), and who makes it.

    level, apart: T² and SPE as F ratios; apart is 0 where there is no rest. by_level,
    by_apart: (d,) their parts.
    """

    level: float
    apart: float
    by_level: NDArray[np.float64]
    by_apart: NDArray[np.float64]
    within: Within


@dataclass(frozen=True, slots=True)
class Within:
    """The subspace of the features that are there; `features` (d,) are their indices."""

    features: NDArray[np.intp]
    mean: NDArray[np.float64]
    per_sd: NDArray[np.float64]
    directions: NDArray[np.float64]
    per_variance: NDArray[np.float64]
    level_scale: float
    apart_scale: float
    level_freedom: tuple[float, float]
    apart_freedom: tuple[float, float] | None

    def distance(self, x: NDArray[np.float64]) -> Distance:
        """Measure an observation, (D,)."""
        z = (x[self.features] - self.mean) * self.per_sd
        along = self.directions.T @ z
        weighted = along * self.per_variance
        by_level = z * (self.directions @ weighted)
        level = float(along @ weighted) * self.level_scale
        if self.apart_freedom is None:
            return Distance(level, 0.0, by_level, np.zeros_like(z), self)
        rest = z - self.directions @ along
        by_apart = rest * rest
        return Distance(level, float(by_apart.sum()) * self.apart_scale, by_level, by_apart, self)

    def scores(self, distance: Distance, level_excess: float, apart_excess: float) -> tuple[float, float]:
        """Return the tail scores of T² and SPE, after dividing by how much the truth exceeds the theory."""
        level = tail_score(distance.level / level_excess, *self.level_freedom)
        if self.apart_freedom is None:
            return level, 0.0
        return level, tail_score(distance.apart / apart_excess, *self.apart_freedom)

    def critical(self, score: float) -> tuple[float, float]:
        """Return the F ratios of T² and SPE that have this score."""
        apart = critical_ratio(score, *self.apart_freedom) if self.apart_freedom else np.inf
        return critical_ratio(score, *self.level_freedom), apart


class Subspace:
    """The usual place of D features, of which `active` (D,) take part.

    Args:
        mean: (D,); sd: (D,), positive where active; correlation: (D, D).
        observations: how many independent ones these come from.
        components: share of the variance that the leading subspace holds; 1 leaves no SPE.
    """

    def __init__(
        self,
        active: NDArray[np.bool_],
        mean: NDArray[np.float64],
        sd: NDArray[np.float64],
        correlation: NDArray[np.float64],
        *,
        observations: float,
        components: float,
    ) -> None:
        self.active = active
        self.mean = mean
        self.sd = sd
        self.correlation = correlation
        self.observations = observations
        self.components = components
        self._within: dict[bytes, Within] = {}

    @classmethod
    def from_covariance(
        cls,
        active: NDArray[np.bool_],
        mean: NDArray[np.float64],
        covariance: NDArray[np.float64],
        *,
        observations: float,
        components: float,
    ) -> Subspace:
        """Return the one of a covariance matrix, (D, D)."""
        sd = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
        sd = np.where(sd > 0.0, sd, 1.0)
        correlation = np.clip(covariance / np.outer(sd, sd), -1.0, 1.0)
        return cls(active, mean.copy(), sd, correlation, observations=observations, components=components)

    def within(self, there: NDArray[np.bool_]) -> Within | None:
        """Return the subspace of the active features among `there` (D,); None where there are none."""
        present = self.active & there
        key = present.tobytes()
        known = self._within.get(key)
        if known is None:
            features = np.flatnonzero(present)
            if not features.size:
                return None
            if len(self._within) >= PATTERNS:
                self._within.clear()
            known = self._within[key] = self._split(features)
        return known

    def grown(self, features: int) -> Subspace:
        """Return it with room for `features` features in all; the new ones take no part."""
        more = features - self.mean.size
        return Subspace(
            np.append(self.active, np.zeros(more, dtype=np.bool_)),
            np.append(self.mean, np.zeros(more)),
            np.append(self.sd, np.ones(more)),
            np.pad(self.correlation, (0, more)),
            observations=self.observations,
            components=self.components,
        )

    def state(self) -> dict[str, Any]:
        """Return all that it knows."""
        return {
            "active": self.active.copy(),
            "mean": self.mean.copy(),
            "sd": self.sd.copy(),
            "correlation": self.correlation.copy(),
            "observations": self.observations,
            "components": self.components,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Subspace:
        """Return the one whose state this is."""
        return cls(
            np.array(state["active"], dtype=np.bool_),
            np.array(state["mean"], dtype=np.float64),
            np.array(state["sd"], dtype=np.float64),
            np.array(state["correlation"], dtype=np.float64),
            observations=float(state["observations"]),
            components=float(state["components"]),
        )

    def _split(self, features: NDArray[np.intp]) -> Within:
        variances, directions = np.linalg.eigh(self.correlation[np.ix_(features, features)])
        variances = np.maximum(variances[::-1], 0.0)
        shares = np.cumsum(variances) / max(variances.sum(), LEAST_EIGENVALUE)
        leading = 1 + int(np.sum(shares < self.components - 1e-12))
        leading = max(1, min(leading, int(np.sum(variances > LEAST_EIGENVALUE))))
        n = max(self.observations, 4.0)
        below = max(n - leading, 2.0)
        rest = variances[leading:][variances[leading:] > LEAST_EIGENVALUE]
        mean_rest = float(rest.sum())
        return Within(
            features=features,
            mean=self.mean[features],
            per_sd=1.0 / self.sd[features],
            directions=np.ascontiguousarray(directions[:, ::-1][:, :leading]),
            per_variance=1.0 / np.maximum(variances[:leading], LEAST_EIGENVALUE),
            level_scale=n * below / (leading * (n * n - 1.0)),
            apart_scale=1.0 / mean_rest if rest.size else 0.0,
            level_freedom=(float(leading), below),
            apart_freedom=(mean_rest**2 / float(rest @ rest), n - 1.0) if rest.size else None,
        )
