"""What the layers of models see of a unit, and what each says: arrays over the unit's signals.

Samples come unevenly; the models live on an even grid of device time, and every layer takes one completed
step after the other. A layer is pure: what it knows is its state, which goes through `state` and `take_up`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from agents.context import Context
    from schemas.signals import SignalSpec


@dataclass(frozen=True, slots=True)
class Step:
    """One completed step of a unit's grid; arrays are (S,), in the order of the signals' slots.

    end_us: device time at which the step ends. value: the last sample in the step, else the last before it,
    in the signal's unit; NaN where there is none, or none young enough to be held. fresh: sampled within it.
    fit: what it says may be learnt: fresh, of Good or Uncertain status, and health has nothing against it.
    context: the batch under way. Values that are not finite are never fit.
    """

    end_us: int
    value: NDArray[np.float64]
    fresh: NDArray[np.bool_]
    fit: NDArray[np.bool_]
    context: Context


@dataclass(frozen=True, slots=True)
class SignalScores:
    """What a layer says of each signal, (S,): NaN in `score` where it is silent.

    expected, spread: what the sample was judged against, in the signal's unit. score: -log10 of the tail
    probability, >= 0, unbounded. suspect: the layer doubts it. learned: it was learnt from.
    """

    expected: NDArray[np.float64]
    spread: NDArray[np.float64]
    score: NDArray[np.float64]
    suspect: NDArray[np.bool_]
    learned: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class UnitScore:
    """What a layer says of the unit as a whole.

    score: -log10 of the tail probability, >= 0, unbounded. contributions: (S,) each signal's share of it,
    >= 0, sum 1, all 0 where nothing can be blamed. reason: in plain words what it saw; empty where nothing.
    looks_like: what an anomaly is taken for; None while there is none, or where the layer does not say.
    about: the signals that this concerns; None where the layer does not say.
    """

    layer: str
    score: float
    suspect: bool
    learned: bool
    contributions: NDArray[np.float64]
    reason: str = ""
    looks_like: Literal["process", "sensor", "unknown"] | None = None
    about: tuple[str, ...] | None = None


class Layer(Protocol):
    """A model of one unit. Whatever the values are, it answers or stays silent; it does not raise."""

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal; spec is None for one outside the dictionary."""

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores | UnitScore | None:
        """Judge a step, then learn from what is fit and not doubted; None while the layer has nothing to say.

        doubted: (S,) what earlier layers suspect in this very step.
        """

    def state(self) -> Mapping[str, Any]:
        """Everything that it knows: numbers, texts, lists and NumPy arrays, in nested mappings."""

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, as if it had never stopped; raises SnapshotRefused where it is not its own."""
