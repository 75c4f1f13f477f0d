"""Stored batches as the envelope takes them, and the envelope as it is kept: arrays and names, nothing else.

What was sampled unevenly is brought onto the recipe's grid as watch does it: the last value holds, but not
for ever.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.golden import Envelope, ReferenceBatch, Segment
from agents.models.grid import HOLD_GAPS, HOLD_US, LONGEST_HOLD_US
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

KEPT_AS = "sparge.envelope/1"


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as it was stored.

    start_us, end_us: device time. phases: when each began, rising; before the first there is none.
    samples: times (rising) and values of each signal; Bad ones left out.
    """

    name: str
    start_us: int
    end_us: int
    phases: Sequence[tuple[int, str | None]]
    samples: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]


def on_grid(
    stored: StoredBatch, signals: Sequence[str], step_s: float, hold_s: float | Sequence[float]
) -> ReferenceBatch:
    """Return a stored batch on a grid of `step_s`, a column a signal; what was not measured is NaN.

    hold_s: for so long a value holds, of all signals or of each; set points and pumps that report changes
    need hours.

    Raises:
        ValueError: the batch ends before it starts.
    """
    if stored.end_us <= stored.start_us:
        raise ValueError(
            f"the batch {stored.name} ends at {stored.end_us} us, not after its start at {stored.start_us} us"
        )
    step_us = round(step_s * 1e6)
    at_us = np.arange(stored.start_us + step_us, stored.end_us + 1, step_us, dtype=np.int64)
    value = np.full((at_us.size, len(signals)), np.nan)
    holds_us = np.broadcast_to(np.asarray(hold_s, dtype=np.float64) * 1e6, len(signals))
    for column, signal in enumerate(signals):
        times, values = stored.samples.get(signal, (np.empty(0, dtype=np.int64), np.empty(0)))
        if times.size:
            last = np.searchsorted(times, at_us, side="right") - 1
            age_us = at_us - times[np.maximum(last, 0)]
            there = (last >= 0) & (age_us <= holds_us[column])
            value[there, column] = values[last[there]]
    began = [from_us for from_us, _ in stored.phases]
    named: list[str | None] = [None, *(phase for _, phase in stored.phases)]
    # A step belongs to the phase that it began in.
    phase = tuple(named[bisect_right(began, int(end) - step_us)] for end in at_us)
    return ReferenceBatch(stored.name, (at_us - stored.start_us) / 1e6, phase, value)


def holds_s(stored: StoredBatch, signals: Sequence[str]) -> list[float]:
    """How long watch would hold each signal's values (grid.py): by what it is, and by its usual pause."""
    found = []
    for signal in signals:
        about = spec(signal)
        kept = about is not None and (about.reading == "held" or about.signal_class == "setpoint")
        times, _ = stored.samples.get(signal, (np.empty(0, dtype=np.int64), np.empty(0)))
        pause_us = float(np.median(np.diff(times))) if times.size > 1 else 0.0
        hold_us = LONGEST_HOLD_US if kept else max(HOLD_US, HOLD_GAPS * pause_us)
        found.append(min(hold_us, LONGEST_HOLD_US) / 1e6)
    return found


def told(envelope: Envelope) -> dict[str, Any]:
    """Return an envelope as numbers, texts, lists and arrays in nested mappings."""
    return {
        "schema": KEPT_AS,
        "signals": list(envelope.signals),
        "indicator": envelope.indicator,
        "batches": list(envelope.batches),
        "least_batches": envelope.least_batches,
        "digest": envelope.digest,
        "segments": {
            span: {one.name: getattr(segment, one.name) for one in fields(Segment)}
            for span, segment in envelope.segments.items()
        },
    }


def read(kept: Mapping[str, Any]) -> Envelope:
    """Return the envelope that `told` wrote.

    Raises:
        SnapshotRefused: it is none, or of an unknown version.
    """
    if kept.get("schema") != KEPT_AS:
        raise SnapshotRefused(
            "What was kept is no batch envelope of this version.",
            detail=f"its schema is {kept.get('schema')}, not {KEPT_AS}",
            next_step="Build it anew from the reference batches.",
        )
    segments = {
        span: Segment(
            float(parts["point"]),
            *(np.array(parts[one.name]) for one in fields(Segment) if one.name != "point"),
        )
        for span, parts in kept["segments"].items()
    }
    return Envelope(
        tuple(kept["signals"]),
        kept["indicator"],
        tuple(kept["batches"]),
        int(kept["least_batches"]),
        segments,
        str(kept["digest"]),
    )
