"""Whom to believe: forecasters weighted by what came true, and silence where that is no better than naive.

The blend is weighed against the naive forecasts (nothing changes; it does as it did a season ago) twice: over
a long memory, whether it is better at all, and over a short one, whether it has just gone wrong.

Evidence comes a horizon late and may mislead, so what may be lost is bounded, too. An answer that leaves
persistence by d errs by at most d more, whatever comes. Each horizon of a signal has an account: errors of
persistence pay a small part in (`most_worse`); d is staked when it is said, and when the truth is there it
comes back with what was won, or less what was lost. No answer stakes more than is there: over any history the
answers that are compared err at most 1 + most_worse times as much as persistence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.forecasting.recipe import ForecastingRecipe

WORST_RATIO = 1e6
"""A forecaster that errs this many times more than the best has no weight whatever the sharpness."""

LEAST_MEMORY = 25.0
"""Comparisons that a mean error is made of at least."""

LEAST_COMPARED = 8.0
"""Comparisons without which nothing is said of errors."""

KEPT = 4.0
"""An account keeps so many times what all answers under way can stake: what was won before is no licence."""

STAKED = 2.0
"""An answer stakes this many times the account's part for each that is under way: the first of them most."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the forecasters of all signals stand at each horizon, until something comes true again.

    weight (S, H, E), and total (S, H) of them all. which (S, H, 1): the better naive forecaster; usual
    (S, H): its mean error. better: whether the blend is to be believed.
    """

    weight: NDArray[np.float64]
    total: NDArray[np.float64]
    which: NDArray[np.intp]
    usual: NDArray[np.float64]
    better: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is answered, (S, H), as distances from the value.

    blend: the weighted forecast, whether it is believed or not. answer: it, or the naive forecast where the
    blend is not believed: silent, for it is no better, or diverged, for it is beyond all reason.
    """

    blend: NDArray[np.float64]
    answer: NDArray[np.float64]
    silent: NDArray[np.bool_]
    diverged: NDArray[np.bool_]


class Choice:
    """Mean errors of all forecasters of a unit's signals, at each horizon.

    experts: how many forecasters there are; the first `naive` of them are the naive ones.
    """

    def __init__(self, recipe: ForecastingRecipe, experts: int, naive: int) -> None:
        steps = np.array(recipe.horizon_steps, dtype=np.float64)
        stride = np.array(recipe.strides, dtype=np.float64)
        self._recipe, self._naive = recipe, naive
        self._memory = np.maximum(
            np.maximum(recipe.memory_steps, recipe.memory_horizons * steps) / stride, LEAST_MEMORY
        )
        self._quick = np.maximum(np.maximum(recipe.quick_steps, steps) / stride, LEAST_COMPARED / 2.0)
        self._known_after = np.maximum(recipe.known_after / stride, LEAST_COMPARED)
        self._speaks_after = self._known_after + recipe.evidence_horizons * steps / stride
        self._under_way = steps / stride
        self._shares = np.maximum(self._under_way / STAKED, 1.0)
        horizons = len(steps)
        self._standing: _Standing | None = None
        self._lanes = Columns(
            {
                "compared": np.zeros(horizons, dtype=np.int32),
                "weighs": np.zeros((horizons, experts)),  # mean errors, as the weights use them
                "naive": np.zeros((horizons, naive)),  # and as they are now
                "blend": np.zeros(horizons),
                "naive quick": np.zeros((horizons, naive)),
                "blend quick": np.zeros(horizons),
                "account": np.zeros(horizons),  # what answers may still lose against persistence
                "most": np.zeros(horizons),  # and how far from it one may be, until the next is staked
            }
        )

    def add(self) -> None:
        """Add a fresh lane."""
        self._lanes.add()
        self._standing = None

    @property
    def known(self) -> NDArray[np.bool_]:
        """(S, H) whether enough came true to say how far off a forecast is."""
        known: NDArray[np.bool_] = self._lanes["compared"] >= self._known_after
        return known

    @property
    def settled(self) -> NDArray[np.bool_]:
        """(S, H) whether a frozen recipe has learnt enough."""
        settled: NDArray[np.bool_] = self._lanes["compared"] >= self._recipe.baseline_steps
        return settled

    def choose(self, said: NDArray[np.float64]) -> Chosen:
        """Weigh what the forecasters say of all horizons, said (S, H, E)."""
        standing = self._standing
        if standing is None:
            standing = self._standing = self._weigh_up()
        raw = (standing.weight * said).sum(axis=2) / standing.total
        naive = np.take_along_axis(said, standing.which, axis=2)[..., 0]
        furthest = self._recipe.furthest * standing.usual
        blend = np.minimum(np.maximum(raw, naive - furthest), naive + furthest)
        diverged = np.abs(raw - naive) > self._recipe.wildest * standing.usual
        diverged &= (standing.usual > 0.0) & standing.better
        most = self._lanes["most"]
        answer = np.where(standing.better & ~diverged, blend, naive)
        answer = np.minimum(np.maximum(answer, -most), most)
        return Chosen(blend, answer, ~standing.better | (most <= 0.0), diverged)

    def allow(self, targets: NDArray[np.intp]) -> None:
        """Set how far from persistence the next answers of `targets` (T,) may be."""
        self._lanes["most"][:, targets] = self._lanes["account"][:, targets] / self._shares[targets]

    def stake(self, targets: NDArray[np.intp], answer: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Note that answers (S, T) have been given, to the signals in `where` (S,)."""
        account = self._lanes["account"][:, targets]
        left = np.maximum(account - np.abs(answer), 0.0)
        self._lanes["account"][:, targets] = np.where(where[:, None], left, account)

    def learn(
        self,
        targets: NDArray[np.intp],
        said: NDArray[np.float64],
        told: tuple[NDArray[np.float64], NDArray[np.float64]],
        came: NDArray[np.float64],
        *,
        where: NDArray[np.bool_],
        weighs: NDArray[np.bool_],
    ) -> None:
        """Take how far the values came, (S, T), for said (S, T, E), where `where` (S, T).

        told: (S, T) and (S, T) the blend and the answer. weighs: (S, T) where the weights learn from it, too.
        """
        self._standing = None
        lanes, (blend, answer) = self._lanes, told
        compared = lanes["compared"][:, targets] + where
        lanes["compared"][:, targets] = compared
        begun = np.maximum(compared, 1)
        slow = np.maximum(1.0 / begun, 1.0 / self._memory[targets])
        quick = np.maximum(1.0 / begun, 1.0 / self._quick[targets])
        missed = np.abs(said - came[..., None])
        naive = missed[..., : self._naive]
        off = np.abs(blend - came)
        for name, what, share, learns in (
            ("weighs", missed, slow, weighs & where),
            ("naive", naive, slow, where),
            ("naive quick", naive, quick, where),
            ("blend", off, slow, where),
            ("blend quick", off, quick, where),
        ):
            mean = lanes[name][:, targets]
            if what.ndim > mean.ndim - 1 and mean.ndim == 3:
                share, learns = share[..., None], learns[..., None]  # noqa: PLW2901 - the same for all experts
            lanes[name][:, targets] = np.where(learns, mean + share * (what - mean), mean)
        paid = (1.0 + self._recipe.most_worse) * missed[..., 0] - np.abs(answer - came)
        most = KEPT * self._recipe.furthest * self._under_way[targets] * lanes["naive"][:, targets, 0]
        account = lanes["account"][:, targets]
        lanes["account"][:, targets] = np.where(where, np.clip(account + paid, 0.0, most), account)

    def give_back(self, targets: NDArray[np.intp], answer: NDArray[np.float64]) -> None:
        """Return what answers (S, T) had staked; NaN where none was given."""
        self._lanes["account"][:, targets] += np.abs(np.nan_to_num(answer))

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)
        self._standing = None

    def _weigh_up(self) -> _Standing:
        lanes, recipe = self._lanes, self._recipe
        error = lanes["weighs"]
        best = error.min(axis=2, keepdims=True)
        # Ratios are cut off before they are taken: 1e30 over 1e-300 would overflow.
        ratio = np.minimum(error, WORST_RATIO * best) / np.where(best > 0.0, best, 1.0)
        weight = np.where(best > 0.0, np.maximum(ratio, 1.0) ** -recipe.sharpness, error <= 0.0)
        which = lanes["naive"].argmin(axis=2)[..., None]
        usual = np.take_along_axis(lanes["naive"], which, axis=2)[..., 0]
        quick = np.take_along_axis(lanes["naive quick"], which, axis=2)[..., 0]
        better = lanes["blend"] < recipe.speak_below * usual
        better &= lanes["blend quick"] <= quick
        better &= lanes["compared"] >= self._speaks_after
        return _Standing(weight, weight.sum(axis=2), which, usual, better)
