"""When a signal reaches a limit: the forecast's path between its horizons, and its interval's two ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Side = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Reaches:
    """Minutes from the last value on until a limit is reached, after the forecast.

    from_minutes: the earliest, by the end of the interval that is nearer to the limit. to_minutes: the
    latest, by the other end; None where that end does not reach it within the longest horizon.
    """

    minutes: float
    from_minutes: float
    to_minutes: float | None


@dataclass(frozen=True, slots=True)
class Path:
    """The forecast of one signal: (H,) horizons in seconds, rising, and its value and interval at each."""

    now: float
    horizon_s: NDArray[np.float64]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def time_to_limit(path: Path, limit: float, side: Side) -> Reaches | None:
    """Return when the signal reaches `limit`, in its unit; side: whether it is a low or a high limit.

    Between horizons the path is straight; horizons that are not known (NaN) are left out. None where the
    forecast does not reach it within the longest horizon, and where the signal is beyond it already: then
    there is no time left to tell.
    """
    known = np.isfinite(path.value) & np.isfinite(path.lower) & np.isfinite(path.upper)
    if not known.any() or not np.isfinite(path.now):
        return None
    minutes = np.concatenate([[0.0], path.horizon_s[known] / 60.0])
    middle = _first(minutes, path.now, path.value[known], limit, side)
    if middle is None or middle == 0.0:
        return None
    near, far = (path.lower, path.upper) if side == "low" else (path.upper, path.lower)
    earliest = _first(minutes, path.now, near[known], limit, side)
    latest = _first(minutes, path.now, far[known], limit, side)
    # Ends of intervals need not be ordered in time as they are in value: each horizon has its own.
    return Reaches(
        middle,
        middle if earliest is None else min(earliest, middle),
        None if latest is None else max(latest, middle),
    )


def wording(signal: str, limit: str, reaches: Reaches, longest_minutes: float) -> str:
    """Return it for the operator: "DO reaches 20 % in 14 min (9 to 22)"; limit is written with its unit."""
    latest = (
        f"{reaches.to_minutes:.0f}" if reaches.to_minutes is not None else f"more than {longest_minutes:.0f}"
    )
    return f"{signal} reaches {limit} in {reaches.minutes:.0f} min ({reaches.from_minutes:.0f} to {latest})"


def _first(
    minutes: NDArray[np.float64], now: float, ahead: NDArray[np.float64], limit: float, side: Side
) -> float | None:
    """Minutes until the line through `now` and the values `ahead` first meets the limit; None for never."""
    above = np.concatenate([[now], ahead]) - limit
    if side == "high":
        above = -above
    met = np.flatnonzero(above <= 0.0)
    if not met.size:
        return None
    at = int(met[0])
    if at == 0:
        return 0.0
    share = above[at - 1] / (above[at - 1] - above[at])
    return float(minutes[at - 1] + share * (minutes[at] - minutes[at - 1]))
