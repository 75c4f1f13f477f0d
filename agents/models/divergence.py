"""When champion and challenger part: two models' scores of the same signals, compared step by step.

The difference of the two scores, challenger's less champion's, goes to River's Page-Hinkley test, signal by
signal; how often each of the two suspects fades slowly and goes into the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from agents.models.banks.gaussian import FadingBank
from agents.models.banks.page_hinkley import PageHinkleyBank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FADING = 1.0 / 360.0
"""Of the shares of suspicion: at 5 s a step, over half an hour."""

MOST = 4.0
"""A difference of scores counts as at most this: one step alone is no divergence."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Two models have parted over a signal since `since_us`; text says how, in plain words.

    champion_share, challenger_share: share of the recent steps that each suspects.
    """

    signal: str
    since_us: int
    end_us: int
    champion_share: float
    challenger_share: float
    text: str


class DivergenceWatch:
    """Compares a challenger with the champion over the signals of a unit.

    Args:
        champion, challenger: names for people, such as `one-step-residual 2`.
        suspect_at: the score from which either suspects.
        delta, threshold: of the Page-Hinkley test, in units of score.
    """

    def __init__(
        self,
        champion: str,
        challenger: str,
        *,
        suspect_at: float,
        delta: float = 0.2,
        threshold: float = 60.0,
    ) -> None:
        self._champion, self._challenger, self._suspect_at = champion, challenger, suspect_at
        self._names: list[str] = []
        self._apart = PageHinkleyBank(delta=delta, threshold=threshold)
        self._champions, self._challengers = FadingBank(FADING), FadingBank(FADING)
        self._lanes = Columns({"rising_us": 0, "falling_us": 0})

    def add(self, name: str) -> None:
        """Give the next slot to a signal."""
        self._names.append(name)
        for bank in (self._apart, self._champions, self._challengers, self._lanes):
            bank.add()

    def take(
        self, champion: NDArray[np.float64], challenger: NDArray[np.float64], end_us: int
    ) -> list[Divergence]:
        """Take both scores (S,) of a step, NaN where silent, and say where the two have parted."""
        both = np.isfinite(champion) & np.isfinite(challenger)
        mine, other = np.where(both, champion, 0.0), np.where(both, challenger, 0.0)
        self._champions.learn((mine >= self._suspect_at).astype(np.float64), both)
        self._challengers.learn((other >= self._suspect_at).astype(np.float64), both)
        self._apart.learn(np.clip(other - mine, -MOST, MOST), both)
        self._lanes["rising_us"][both & (self._apart.rising == 0)] = end_us
        self._lanes["falling_us"][both & (self._apart.falling == 0)] = end_us
        parted = np.flatnonzero(both & self._apart.detected)
        return [self._told(slot, end_us) for slot in parted.tolist()]

    def state(self) -> dict[str, Any]:
        """Everything that it knows, but for names and parameters."""
        return {key: part.state() for key, part in self._parts()}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after adding the same signals; raises SnapshotRefused where it does not fit."""
        for key, part in self._parts():
            part.take_up(state[key])

    def _parts(self) -> list[tuple[str, Any]]:
        return [
            ("apart", self._apart),
            ("champions", self._champions),
            ("challengers", self._challengers),
            ("lanes", self._lanes),
        ]

    def _told(self, slot: int, end_us: int) -> Divergence:
        upwards = bool(self._apart.upwards[slot])
        since_us = int(self._lanes["rising_us" if upwards else "falling_us"][slot])
        mine, other = float(self._champions.mean()[slot]), float(self._challengers.mean()[slot])
        name = self._names[slot]
        text = (
            f"For {(end_us - since_us) / 60e6:.0f} min the challenger {self._challenger} finds {name} "
            f"{'stranger' if upwards else 'more ordinary'} than the champion {self._champion} does: of the "
            f"recent steps it suspects {other:.1%}, the champion {mine:.1%}. One of the two no longer fits "
            f"the process: look at {name} before either is promoted or kept."
        )
        return Divergence(name, since_us, end_us, mine, other, text)
