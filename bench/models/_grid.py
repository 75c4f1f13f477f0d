"""Recordings of one unit on one grid by their times: a gap stays a gap, rows of one time stay together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.models._files import refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SPARSEST = 10
"""Steps of the grid for each row: beyond, a time is wrong, and the grid would fill the memory."""


def on_grid(path: Path, times_us: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Return the step of each row of each series, (N,), for their times, (N,), that rise.

    The step is the usual time between rows of all series. Rows follow each other by at least a step: a
    recorder that is a little fast or slow neither loses rows nor makes gaps.

    Raises:
        ValueError: most of the grid would be empty.
    """
    between = np.concatenate([np.diff(one) for one in times_us])
    step_us = float(np.median(between)) if between.size else 1.0
    start_us = min(int(one[0]) for one in times_us)
    found = []
    for one in times_us:
        after = np.maximum(np.rint(np.diff(one) / step_us).astype(np.int64), 1)
        found.append(np.rint((one[0] - start_us) / step_us).astype(np.int64) + np.r_[0, np.cumsum(after)])
    rows = max(one.size for one in times_us)
    if max(int(at[-1]) for at in found) >= SPARSEST * max(rows, SPARSEST):
        longest_s = max(int(np.diff(one).max(initial=0)) for one in times_us) / 1e6
        gap = f"it has a gap of {longest_s:,.0f} s, or its series begin that far apart, with a row each "
        gap += f"{step_us / 1e6:g} s"
        raise refused(
            path, None, gap, "mend the time, or make one file of what is before and one of the rest"
        )
    return found
