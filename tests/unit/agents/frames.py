"""Frames of one unit for the tests of what is decided about it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from agents import snapshot
from agents.alarm_watch import AlarmWatch
from agents.alarms.annunciator import Moment
from agents.alarms.definition import shipped
from agents.batch_context import NO_STORY, BatchStory
from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent
from schemas.decoding import Column, Frame
from schemas.signals import DICTIONARY
from schemas.source import Source
from schemas.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agents.context import Context
    from agents.unit_watch import UnitWatch

Event = Literal["start", "phase", "sample", "end"]

T0_US = 1_790_000_000_000_000
NORMAL = {"DO": 40.0, "pH": 7.0, "temperature": 37.0, "agitation": 600.0}


def us(seconds: float) -> int:
    """The time `seconds` into the test."""
    return T0_US + round(seconds * 1e6)


def column(
    name: str,
    values: Sequence[float | None],
    time_s: Sequence[float],
    *,
    unit: str | None = None,
    status: Status | None = None,
) -> Column:
    """One signal's samples; None is a missing value."""
    codes = [int(Status.BAD) if value is None else int(status or Status.GOOD) for value in values]
    return Column(
        name,
        unit or (DICTIONARY[name].unit if name in DICTIONARY else "1"),
        np.array([us(at_s) for at_s in time_s], dtype=np.int64),
        np.array([np.nan if value is None else value for value in values]),
        np.array(codes, dtype=np.uint32),
    )


def frame_of(*columns: Column, device: str = "ctl", sequence: int = 0) -> Frame:
    return Frame("north", "BR-01", device, 1, sequence, None, columns, {}, ())


def frame(values: Mapping[str, float | None], at_s: float, *, device: str = "ctl") -> Frame:
    """One sample of each signal, measured `at_s` seconds into the test."""
    return frame_of(*(column(name, [value], [at_s]) for name, value in values.items()), device=device)


def sources(offset: int = 0) -> Callable[[], Source]:
    """What gives the source ids of the message at `offset`."""
    indices = count()
    return lambda: Source(
        topic_id="t", topic="telemetry.frames", partition=0, offset=offset, index=next(indices)
    )


def noisy(values: Mapping[str, float], second: int, seed: int = 0) -> dict[str, float]:
    """The values with the noise that the dictionary expects."""
    random = np.random.default_rng([seed, second])
    return {
        name: value + (DICTIONARY[name].noise if name in DICTIONARY else 0.0) * random.standard_normal()
        for name, value in values.items()
    }


def transitions(outputs: Iterable[object]) -> list[AlarmTransition]:
    return [output for output in outputs if isinstance(output, AlarmTransition)]


def told(outputs: Iterable[object]) -> list[tuple[str, str, str]]:
    """Signal, condition and event of each transition."""
    return [(each.signal, each.condition, each.event) for each in transitions(outputs)]


class AlarmsAlone:
    """A unit's limits and health without its models, to be played as a UnitWatch is."""

    def __init__(self, alarms: AlarmWatch | None = None) -> None:
        self.alarms = alarms or AlarmWatch("north", "BR-01", shipped())

    @property
    def context(self) -> Context:
        return self.alarms.context

    def on_frame(
        self, frame: Frame, now_us: int, at: Callable[[], Source], batches: BatchStory = NO_STORY
    ) -> list[AlarmTransition]:
        return self.alarms.on_frame(frame, Moment(now_us, at), batches)[0]

    def on_tick(self, now_us: int, at: Callable[[], Source]) -> list[AlarmTransition]:
        return self.alarms.on_tick(Moment(now_us, at))

    def restarted(self) -> AlarmsAlone:
        """The same after its memory went through the log."""
        kept = snapshot.encode({"site": "north", "unit": "BR-01", **self.alarms.memory()})
        fresh = AlarmWatch("north", "BR-01", shipped())
        fresh.take_up(snapshot.decode("north", "BR-01", kept))
        return AlarmsAlone(fresh)


class Player:
    """Plays a unit second by second into a watch: device and log time agree but for a fifth of a second.

    `batches` is what has been told of the unit's batches.
    """

    def __init__(self, watch: UnitWatch | AlarmsAlone) -> None:
        self.watch: Any = watch
        self.batches = BatchStory()
        self.second = 0
        self.outputs: list[object] = []

    def run(
        self,
        seconds: int,
        values: Callable[[int], Mapping[str, float | None]] | None = None,
        *,
        noise: bool = True,
    ) -> list[AlarmTransition]:
        """Send one frame a second; return the transitions of this stretch."""
        outputs: list[object] = []
        for _ in range(seconds):
            sent = dict(values(self.second)) if values else dict(NORMAL)
            if noise:
                real = {name: value for name, value in sent.items() if value is not None}
                sent.update(noisy(real, self.second))
            outputs += self.watch.on_frame(
                frame(sent, self.second), us(self.second + 0.2), sources(self.second), self.batches
            )
            self.second += 1
        self.outputs += outputs
        return transitions(outputs)

    def tell(self, event: Event, **given: Any) -> None:
        """Tell of the batch B1 that something happens in the next second."""
        self.batches.tell(
            BatchEvent(
                site="north",
                unit="BR-01",
                batch=given.pop("batch", "B1"),
                member="institute",
                event=event,
                time_us=us(self.second),
                **given,
            )
        )

    def silence(self, seconds: int) -> list[AlarmTransition]:
        """Let only ticks come; return their transitions."""
        outputs: list[object] = []
        for _ in range(seconds):
            outputs += self.watch.on_tick(us(self.second + 0.2), sources(self.second))
            self.second += 1
        self.outputs += outputs
        return transitions(outputs)
