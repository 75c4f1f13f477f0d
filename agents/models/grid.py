"""From uneven samples to even steps: the grid of device time on which the models of a unit live.

A step is complete once every device of the unit that is heard has come past its end, so that a device with
long frames is not judged as if it had sent nothing; nobody is waited for longer than `WAIT_US`. What comes
later than that belongs to the step that is open when it comes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.context import NO_BATCH, Context
from agents.models.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from agents.samples import Samples

WAIT_US = 30_000_000
"""Device time by which the devices of a unit may lie apart and still be put together."""

HEARD_US = 60_000_000
"""A device that has not been heard for so long (log time) is not waited for,"""

SET_BACK_US = 60_000_000
"""and one that lies so far behind the open step, with no other ahead of it, has had its clock set back."""

HOLD_US = 600_000_000
"""A value is held for so long at least;"""

HOLD_GAPS = 10.0
"""or so many times as long as its usual pause: what is reported by exception is rare by nature;"""

LONGEST_HOLD_US = 86_400_000_000
"""but no longer than a day."""

GAP_FADING = 0.05
"""Weight of the newest pause in the usual one."""

MOST_HELD = 120
"""Steps without any sample that one pause is filled with; the rest of it is skipped,"""

MOST_STEPS = 720
"""and so many steps at most are taken of one frame, the newest: a day in one message must not stop alarms."""

FEW = 16
"""So many steps in a row are gone through one by one."""

NEVER_US = -1


@dataclass(slots=True)
class _Row:
    """What has been sampled in a step that is not complete; arrays (S,)."""

    index: int
    value: NDArray[np.float64]
    seen: NDArray[np.bool_]
    fit: NDArray[np.bool_]

    def grow(self) -> None:
        self.value = np.append(self.value, np.nan)
        self.seen = np.append(self.seen, np.False_)
        self.fit = np.append(self.fit, np.False_)


class Grid:
    """The steps of one unit.

    Args:
        step_us: their length.

    `open` is the index of the first step that is not complete; None before the first sample.
    """

    def __init__(self, step_us: int) -> None:
        self.step_us = step_us
        self.open: int | None = None
        self._rows: list[_Row] = []
        self._devices: dict[str, tuple[int, int]] = {}
        self._value = np.empty(0)
        self._last_us = np.empty(0, dtype=np.int64)
        self._pause_us = np.empty(0)
        self._least_hold_us = np.empty(0)
        self._complete_to = 0

    def add(self, *, held: bool) -> None:
        """Give the next slot to a signal; held: it is reported when it changes, and holds until then."""
        self._value = np.append(self._value, np.nan)
        self._last_us = np.append(self._last_us, NEVER_US)
        self._pause_us = np.append(self._pause_us, 0.0)
        self._least_hold_us = np.append(self._least_hold_us, LONGEST_HOLD_US if held else HOLD_US)
        for row in self._rows:
            row.grow()

    def hear(self, device: str, samples: Samples, now_us: int) -> list[tuple[int, Samples]]:
        """Note how far a device has come; return its samples by step, in order, none before the open one.

        now_us: log time. Each of the steps is to be given to `put`, after what `complete` gives before it.
        """
        newest_us = int(samples.time_us.max())
        step = samples.time_us // self.step_us
        earliest = newest_us // self.step_us - MOST_STEPS
        if int(step.min()) <= earliest:
            samples = samples.keep(step > earliest)
            step = samples.time_us // self.step_us
        self._devices = {
            name: (until_us, heard_us)
            for name, (until_us, heard_us) in self._devices.items()
            if now_us - heard_us <= HEARD_US
        }
        self._devices[device] = (newest_us, now_us)
        reached = [until_us for until_us, _ in self._devices.values()]
        if self.open is not None and max(reached) < self.open * self.step_us - SET_BACK_US:
            self.open = None
            self._rows = []
            self._last_us[self._last_us > newest_us] = newest_us
        if self.open is None:
            self.open = int(step.min())
        self._complete_to = max(min(reached), max(reached) - WAIT_US) // self.step_us
        first, last = int(step.min()), int(step.max())
        if first < self.open:
            step = np.maximum(step, self.open)
            first, last = max(first, self.open), max(last, self.open)
        if first == last:
            return [(first, samples)]
        indices = range(first, last + 1) if last - first < FEW else np.unique(step).tolist()
        parts = ((index, samples.keep(step == index)) for index in indices)
        return [(index, part) for index, part in parts if part.slots.size]

    def put(self, index: int, samples: Samples, unfit: NDArray[np.bool_]) -> None:
        """Take the samples of one step; unfit: (S,) signals whose samples may not be learnt."""
        row = self._row(index)
        slots, ends = samples.slots, samples.ends
        row.value[slots] = samples.value[ends]
        row.seen[slots] = True
        row.fit[slots] = ~unfit[slots]

    def complete(self, before: int | None, context: Context) -> Iterator[Step]:
        """Give the steps that are complete, those before step `before` (None: all), in order."""
        if self.open is None:
            return
        until = self._complete_to if before is None else min(before, self._complete_to)
        while self.open < until:
            index = self._rows[0].index if self._rows and self._rows[0].index < until else until
            for held in range(self.open, min(index, self.open + MOST_HELD)):
                yield self._step(held, None, context)
            self.open = index
            if self._rows and self._rows[0].index == index and index < until:
                row = self._rows.pop(0)
                self.open = index + 1
                yield self._step(index, row, context)

    def state(self) -> dict[str, Any]:
        """Everything that it knows, for state_codec."""
        return {
            "open": self.open,
            "complete_to": self._complete_to,
            "devices": {name: list(marks) for name, marks in self._devices.items()},
            "value": self._value,
            "last_us": self._last_us,
            "pause_us": self._pause_us,
            "rows": [[row.index, row.value, row.seen, row.fit] for row in self._rows],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals were added."""
        self.open = state["open"]
        self._complete_to = state["complete_to"]
        self._devices = {name: (marks[0], marks[1]) for name, marks in state["devices"].items()}
        self._value, self._last_us, self._pause_us = (
            np.array(state[name]) for name in ("value", "last_us", "pause_us")
        )
        self._rows = [_Row(index, *(np.array(each) for each in arrays)) for index, *arrays in state["rows"]]

    def _row(self, index: int) -> _Row:
        place = len(self._rows)
        while place and self._rows[place - 1].index >= index:
            place -= 1
        if place < len(self._rows) and self._rows[place].index == index:
            return self._rows[place]
        size = self._value.size
        row = _Row(index, np.full(size, np.nan), _none(size), _none(size))
        self._rows.insert(place, row)
        return row

    def _step(self, index: int, row: _Row | None, context: Context) -> Step:
        end_us = (index + 1) * self.step_us
        if row is None:
            seen = fit = _none(self._value.size)
        else:
            seen, fit = row.seen, row.fit
            pause_us = (end_us - self._last_us).astype(np.float64)
            paused = seen & (self._last_us != NEVER_US) & (pause_us > 0)
            self._pause_us += np.where(paused, GAP_FADING * (pause_us - self._pause_us), 0.0)
            np.copyto(self._value, row.value, where=seen)
            self._last_us[seen] = end_us
        if np.count_nonzero(seen) == seen.size:
            return Step(end_us, self._value.copy(), seen, fit, context)
        hold_us = np.minimum(np.maximum(self._least_hold_us, HOLD_GAPS * self._pause_us), LONGEST_HOLD_US)
        young = (self._last_us != NEVER_US) & (end_us - self._last_us <= hold_us)
        return Step(end_us, np.where(young, self._value, np.nan), seen, fit, context)


class Coarser:
    """Steps that are several of the grid's long, put together from its own.

    Args:
        step_us: the grid's step.
        stride: how many of them make one.
    """

    def __init__(self, step_us: int, stride: int) -> None:
        self._step_us = step_us
        self._stride = stride
        self._cell: int | None = None
        self._context = NO_BATCH
        self._value = np.empty(0)
        self._fresh = self._fit = self._doubted = _none(0)

    def add(self) -> None:
        """Give the next slot to a signal."""
        self._value = np.append(self._value, np.nan)
        self._fresh, self._fit, self._doubted = (
            np.append(mask, np.False_) for mask in (self._fresh, self._fit, self._doubted)
        )

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> Iterator[tuple[Step, NDArray[np.bool_]]]:
        """Take a step of the grid; give those that it completes, each with what was doubted within."""
        if self._stride == 1:
            yield step, doubted
            return
        index = step.end_us // self._step_us - 1
        cell = index // self._stride
        if self._cell is not None and cell != self._cell:
            yield self._whole(self._cell)
        if self._cell is None:
            self._fresh, self._fit, self._doubted = step.fresh, step.fit, doubted
        else:
            self._fresh = self._fresh | step.fresh
            self._fit = np.where(step.fresh, step.fit, self._fit)
            self._doubted = self._doubted | doubted
        self._cell, self._context, self._value = cell, step.context, step.value
        if index % self._stride == self._stride - 1:
            yield self._whole(cell)

    def state(self) -> dict[str, Any]:
        """Everything that it knows, for state_codec."""
        return {
            "cell": self._cell,
            "context": asdict(self._context),
            "value": self._value,
            "masks": np.array([self._fresh, self._fit, self._doubted]),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals were added."""
        self._cell = state["cell"]
        self._context = Context(**state["context"])
        self._value = np.array(state["value"])
        self._fresh, self._fit, self._doubted = np.array(state["masks"])

    def _whole(self, cell: int) -> tuple[Step, NDArray[np.bool_]]:
        end_us = (cell + 1) * self._stride * self._step_us
        step = Step(end_us, self._value, self._fresh, self._fit, self._context)
        doubted = self._doubted
        self._begin(doubted.size)
        return step, doubted

    def _begin(self, signals: int) -> None:
        self._cell = None
        self._fresh = self._fit = self._doubted = _none(signals)


def _none(size: int) -> NDArray[np.bool_]:
    return np.zeros(size, dtype=np.bool_)
