"""River's `linear_model.BayesianLinearRegression` with smoothing, over many signals and targets at once.

Precision and natural mean follow River's recurrences. River inverts the precision as it is; once the prior is
forgotten it can be singular, so here a small ridge is added where it is solved (0 gives River's own answer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class BayesianRegressionBank:
    """One regression a lane and target (H of them), each of `features` inputs.

    Args:
        targets: how many regressions a lane has.
        features: how many inputs each has.
        alpha: River's: variance of the prior of a coefficient.
        smoothing: River's: share of the past that one observation leaves.
        ridge: what is added to the precision's diagonal where it is solved.
    """

    def __init__(self, targets: int, features: int, alpha: float, smoothing: float, ridge: float) -> None:
        self._smoothing, self._ridge = smoothing, ridge * np.eye(features)
        self._triangle = np.triu_indices(features)
        self._shape = (targets, features)
        self._lanes = Columns(
            {
                "precision": np.broadcast_to(np.eye(features) / alpha, (targets, features, features)),
                "natural": np.zeros(self._shape),
                "coefficients": np.zeros(self._shape),
            }
        )

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """(S, H) what the regressions say of x (S, H, D)."""
        said: NDArray[np.float64] = np.einsum("sti,sti->st", x, self._lanes["coefficients"])
        return said

    def learn(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        weight: NDArray[np.float64],
        targets: NDArray[np.intp],
    ) -> None:
        """Let the regressions of `targets` learn y (S, T) of x (S, T, D); weight 0: not, 1: as River."""
        precision, natural = self._lanes["precision"], self._lanes["natural"]
        kept: NDArray[np.float64] = precision[:, targets]
        before: NDArray[np.float64] = natural[:, targets]
        learns = weight > 0.0
        share = ((1.0 - self._smoothing) * weight)[..., None]
        # The products first: so the matrix is symmetric to the last bit, and one triangle is all of it.
        after = self._smoothing * kept + share[..., None] * (x[..., None] * x[..., None, :])
        moved = self._smoothing * before + share * x * y[..., None]
        kept = np.where(learns[..., None, None], after, kept)
        before = np.where(learns[..., None], moved, before)
        precision[:, targets], natural[:, targets] = kept, before
        self._lanes["coefficients"][:, targets] = self._solved(kept, before)

    def state(self) -> dict[str, Any]:
        """Everything that it knows; of the precision, which is symmetric, one triangle."""
        across, down = self._triangle
        return {
            "precision": self._lanes["precision"][..., across, down],
            "natural": self._lanes["natural"].copy(),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        across, down = self._triangle
        triangle, natural = state.get("precision"), state.get("natural")
        if (
            not isinstance(triangle, np.ndarray)
            or not isinstance(natural, np.ndarray)
            or triangle.shape[1:] != (self._shape[0], across.size)
            or natural.shape != (len(triangle), *self._shape)
        ):
            raise SnapshotRefused("What was kept of a regression does not fit its recipe.")
        precision = np.empty((*natural.shape, self._shape[1]))
        precision[..., across, down] = precision[..., down, across] = triangle
        self._lanes.take_up(
            {
                "precision": precision,
                "natural": natural,
                "coefficients": self._solved(precision, natural),
            }
        )

    def _solved(self, precision: NDArray[np.float64], natural: NDArray[np.float64]) -> NDArray[np.float64]:
        solved = np.linalg.solve(precision + self._ridge, natural[..., None])
        return np.asarray(solved[..., 0], dtype=np.float64)
