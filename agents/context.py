"""What is under way in a unit: the batch, its phase, and whose and how large it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """The batch of a unit at a moment of the log; all None outside batches.

    batch, member: the batch's name and who owns its data. organism, process, scale_l: as the start told them.
    phase: the ISA-88 phase under way. batch_since_us, phase_since_us: device time at which they began.
    """

    batch: str | None = None
    member: str | None = None
    organism: str | None = None
    process: str | None = None
    scale_l: float | None = None
    phase: str | None = None
    batch_since_us: int | None = None
    phase_since_us: int | None = None


NO_BATCH = Context()
"""Nothing is known to be under way."""
