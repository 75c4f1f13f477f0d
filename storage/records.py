"""What goes into the store and what came of it; plain values that know no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.batch import Assay, BatchEvent
    from schemas.decoding import Frame
    from schemas.errors import FrameRefused
    from schemas.model_event import ModelContext, ModelEvent
    from schemas.score import ModelRef

TP: TypeAlias = tuple[str, int]
"""(topic, partition); streams' TopicPartition is one."""


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A decoded frame and where in the log it stood; recorded_us is the broker's time, us UTC."""

    frame: Frame = field(repr=False)
    topic: str
    partition: int
    offset: int
    recorded_us: int

    @property
    def tp(self) -> TP:
        """The partition that it came from."""
        return (self.topic, self.partition)

    @property
    def identity(self) -> tuple[str, str, str, int, int]:
        """What makes two frames the same: site, unit, device, epoch, sequence."""
        f = self.frame
        return (f.site, f.unit, f.device, f.epoch, f.sequence)

    @property
    def rank(self) -> tuple[int, str, int, int]:
        """Order of versions of one sample: recorded time, topic, partition, offset."""
        return (self.recorded_us, self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What was said of a batch and where in the log it stood; recorded_us is the broker's time, us UTC.

    assays: results of an offline sample as they are stored.
    """

    event: BatchEvent
    assays: Mapping[str, Assay]
    topic: str
    partition: int
    offset: int
    recorded_us: int

    @property
    def rank(self) -> tuple[int, str, int, int]:
        """Order of what was said of one thing: recorded time, topic, partition, offset."""
        return (self.recorded_us, self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class StoredModelEvent:
    """What was said of a model and where in the log it stood; recorded_us is the broker's time, us UTC."""

    event: ModelEvent
    topic: str
    partition: int
    offset: int
    recorded_us: int


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """What a model is in one layer and context, as it follows from all that was said.

    where: the context in words. registered: id of the event that brought its recipe.
    """

    layer: str
    context: ModelContext
    where: str
    model: ModelRef
    role: str
    since_us: int
    by: str
    why: str
    registered: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What a call of write_frames did.

    frames: frames written for the first time.
    repeats: frames whose identity was known already, in the store or earlier in this call.
    samples: samples at a signal and time that had none before.
    corrections: versions of samples that are kept beside the current one because of this call.
    equal: samples that say what is known already; no row was added for them.
    refused: frames of which nothing was written, each with the reason for its dead letter.
    """

    frames: int = 0
    repeats: int = 0
    samples: int = 0
    corrections: int = 0
    equal: int = 0
    refused: tuple[tuple[StoredFrame, FrameRefused], ...] = field(default=())

    def __add__(self, other: WriteReport) -> WriteReport:
        return WriteReport(
            self.frames + other.frames,
            self.repeats + other.repeats,
            self.samples + other.samples,
            self.corrections + other.corrections,
            self.equal + other.equal,
            self.refused + other.refused,
        )
