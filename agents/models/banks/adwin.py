"""River's own `drift.ADWIN`, one object a signal: its window of buckets does not pay as vectors."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.recipe import RIVER
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class AdwinBank:
    """One ADWIN a lane; the parameters are River's."""

    def __init__(self, **parameters: float) -> None:
        self._parameters = parameters
        self._lanes: list[Any] = []

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes += [RIVER["ADWIN"](**self._parameters) for _ in range(lanes)]

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        for lane in np.flatnonzero(where).tolist():
            self._lanes[lane] = RIVER["ADWIN"](**self._parameters)

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(S,) whether the last value that a lane learnt showed a change."""
        return np.array([lane.drift_detected for lane in self._lanes], dtype=np.bool_)

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        for lane in np.flatnonzero(where).tolist():
            self._lanes[lane].update(float(value[lane]))

    def state(self) -> dict[str, Any]:
        """Everything that it knows: the windows as River writes them, one after the other."""
        written = [lane._helper.__reduce_ex__(2)[2] for lane in self._lanes]  # noqa: SLF001 - River's only way
        return {
            "detected": self.detected,
            "lengths": np.array([len(window) for window in written], dtype=np.int64),
            # Most of a window is room not yet taken.
            "windows": np.frombuffer(zlib.compress(b"".join(written), 1), dtype=np.uint8).copy(),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        try:
            windows = zlib.decompress(state["windows"].tobytes())
        except zlib.error as torn:
            raise SnapshotRefused("The windows kept of ADWIN are torn.") from torn
        lengths = state["lengths"].tolist()
        if sum(lengths) != len(windows) or len(lengths) != len(state["detected"]):
            raise SnapshotRefused("The windows kept of ADWIN are torn.")
        self._lanes = []
        self.add(len(lengths))
        at = 0
        for lane, length, detected in zip(self._lanes, lengths, state["detected"].tolist(), strict=True):
            lane._helper.__setstate__(windows[at : at + length])  # noqa: SLF001 - see state
            lane._drift_detected = detected  # noqa: SLF001 - see state
            at += length
