"""Frames as they stand in the log, for tests of the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from schemas.decoding import Column, Frame
from storage.records import StoredFrame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.store import Store

Rows: TypeAlias = Callable[..., list[tuple[Any, ...]]]
"""Rows of a query with its parameters, committed ones only."""

T0_US = 1_790_000_000_000_000
FRAMES = "telemetry.frames"
HISTORY = "telemetry.history"
TOPICS = {FRAMES: "frames-id", HISTORY: "history-id"}
PARTITIONS = {FRAMES: 4, HISTORY: 4}


def column(
    name: str,
    values: Sequence[float],
    *,
    unit: str = "%",
    start_us: int = T0_US,
    step_us: int = 1_000_000,
    times_us: Sequence[int] | None = None,
    status: Sequence[int] | None = None,
) -> Column:
    """A column of evenly spaced samples, or at times_us."""
    times = np.array(
        times_us if times_us is not None else [start_us + i * step_us for i in range(len(values))],
        dtype=np.int64,
    )
    codes = np.array(status if status is not None else [0] * len(values), dtype=np.uint32)
    return Column(name, unit, times, np.array(values, dtype=np.float64), codes)


def stored(
    columns: Sequence[Column],
    *,
    sequence: int = 0,
    offset: int = 0,
    recorded_us: int = T0_US,
    unit: str = "BR-01",
    site: str = "north",
    device: str = "controller",
    topic: str = FRAMES,
    partition: int = 0,
    edge_us: int | None = None,
    dropped: Sequence[tuple[int, int]] = (),
    sent_units: Mapping[str, str] | None = None,
) -> StoredFrame:
    """A frame at a place in the log."""
    units = sent_units if sent_units is not None else {c.name: c.unit for c in columns}
    frame = Frame(site, unit, device, 1, sequence, edge_us, tuple(columns), units, tuple(dropped))
    return StoredFrame(frame, topic, partition, offset, recorded_us)


def register(store: Store, sink: str = "ingest", cluster_id: str = "cluster") -> None:
    """Register both logs."""
    store.register_log(sink, cluster_id, TOPICS, PARTITIONS)
