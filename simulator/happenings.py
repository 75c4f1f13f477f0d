"""What happens to the batches of a fleet, and when it becomes known."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Literal

from schemas.batch import Assay, BatchEvent
from simulator.organisms.organism import organism
from simulator.recipes.recipe import recipe
from simulator.sampling.assay import assays
from simulator.vessels.vessel import vessel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.controllers.schedule import PhaseChange
    from simulator.fleet import Reactor
    from simulator.sampling.samples import Sample

SECONDS_PER_H = 3600.0
US_PER_S = 1e6


@dataclass(frozen=True, slots=True)
class Happening:
    """One event in the life of a batch.

    Attributes:
        unit: index in the fleet.
        time_s: seconds of the run; negative before it began.
        phase: that begins, with start and phase.
        results: of an offline sample, by assay, in the assay's unit.
    """

    unit: int
    time_s: float
    event: Literal["start", "phase", "sample", "end"]
    phase: str | None = None
    results: Mapping[str, float] = field(default_factory=dict)


class Happenings:
    """Gathers happenings; a sample becomes known with the last of its results."""

    def __init__(self) -> None:
        self._known: list[Happening] = []
        self._coming: list[tuple[float, int, Happening]] = []
        self._counted = 0

    def changed(self, change: PhaseChange, time_s: float) -> None:
        """Take down that a batch started, changed phase or ended."""
        phase = None if change.event == "end" else change.phase
        self._known.append(Happening(change.unit, time_s, change.event, phase))

    def sampled(self, sample: Sample, time_s: float) -> None:
        """Take down that a sample was drawn."""
        known_s = [(known_h - sample.hours) * SECONDS_PER_H for known_h in sample.known_h.values()]
        happening = Happening(sample.unit, time_s, "sample", results=sample.results)
        self._counted += 1
        heappush(self._coming, (time_s + max(known_s, default=0.0), self._counted, happening))

    def pass_time(self, time_s: float) -> None:
        """Let results become known that are there by `time_s`."""
        while self._coming and self._coming[0][0] <= time_s:
            self._known.append(heappop(self._coming)[2])

    def take(self) -> list[Happening]:
        """All that became known since this was last asked."""
        known, self._known = self._known, []
        return known


def batch_event(
    happening: Happening, reactor: Reactor, *, site: str, member: str, batch: str, origin_us: int
) -> BatchEvent:
    """The happening as it is published; `origin_us` is the time of the run's second 0."""
    starts = happening.event == "start"
    made = recipe(reactor.recipe)
    results = {
        name: Assay(value=value, unit=assays()[name].unit) for name, value in happening.results.items()
    }
    return BatchEvent(
        site=site,
        unit=reactor.name,
        batch=batch,
        member=member,
        event=happening.event,
        time_us=origin_us + round(happening.time_s * US_PER_S),
        phase=happening.phase,
        organism=organism(made.organism).title.partition(",")[0] if starts else None,
        process=made.product if starts else None,
        scale_L=vessel(reactor.vessel).working_l if starts else None,
        assays=results if happening.event == "sample" else None,
        operator="simulator" if happening.event == "sample" else None,
    )
