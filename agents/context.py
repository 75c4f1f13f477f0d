"""What is under way in a unit: the batch, its phase, and whose and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from schemas.signals import Culture, Vessel

Stage = Literal["inoculation", "batch", "feed", "induction", "harvest", "service"]
"""The phases that rules know, whatever a plant calls them; in service a vessel is cleaned or sterilised."""


@dataclass(frozen=True, slots=True)
class Context:
    """The batch of a unit at a moment of the log; all None outside batches.

    batch, member: the batch's name and who owns its data. organism, process, scale_l: as the start told them.
    phase: the ISA-88 phase under way. batch_since_us, phase_since_us: device time at which they began.
    culture, vessel, stage: what these words mean to rules (agents/batch_words.yaml); None where they are
    not known.
    """

    batch: str | None = None
    member: str | None = None
    organism: str | None = None
    process: str | None = None
    scale_l: float | None = None
    phase: str | None = None
    batch_since_us: int | None = None
    phase_since_us: int | None = None
    culture: Culture | None = None
    vessel: Vessel | None = None
    stage: Stage | None = None

    def follows(self, before: Context) -> bool:
        """Whether another batch or phase is under way than in `before`, or what is known of it differs."""
        return self._compared() != before._compared()

    def _compared(self) -> tuple[str | None, ...]:
        # When it began may be corrected afterwards: that starts nothing anew.
        return (self.batch, self.member, self.phase, self.culture, self.vessel)


NO_BATCH = Context()
"""Nothing is known to be under way."""
