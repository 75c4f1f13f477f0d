"""The health of a unit's signals over time: what is found changes, and an alarm has to hear of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from agents import health, health_leaps
from agents.alarms.annunciator import Evidence
from agents.alarms.wording import span
from agents.health_verdict import Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from agents.health_leaps import Leaps
    from agents.health_stands import Stands
    from agents.samples import Samples
    from agents.signal_table import SignalTable
    from schemas.alarm import Condition

ROWS: Mapping[str, Health] = MappingProxyType(
    {
        "leapt": Health.SPIKE,
        "spike": Health.SPIKE,
        "rate": Health.RATE,
        "clipping": Health.CLIPPING,
        "frozen": Health.FROZEN,
        "stale": Health.STALE,
        "wild": Health.OUT_OF_RANGE,
        "out": Health.OUT_OF_SERVICE,
    }
)
"""What is found of a signal, and what that is shown as. An alarm's condition has its name; of a reading that
is off just now (leapt), not plausible (wild) or taken out of service by its device (out) others tell."""

_CODES = np.array([*ROWS.values()], dtype=np.uint8)[:, np.newaxis]
_BITS = np.arange(len(ROWS), dtype=np.int64)[:, np.newaxis]


Rows: TypeAlias = "NDArray[np.intp] | slice"


class Finding(NamedTuple):
    """A condition of a signal's health that came or went, and what shows it."""

    slot: int
    condition: Condition
    abnormal: bool
    evidence: Evidence


class HealthWatch:
    """What was last found of each signal of a unit, (S,) each, in the order of the table's slots.

    codes: health_verdict.Health of each signal, as of the last frame.
    """

    def __init__(self, table: SignalTable) -> None:
        self._table = table
        self._flags = np.zeros((len(ROWS), 0), dtype=np.bool_)
        self._found = dict(zip(ROWS, self._flags, strict=True))
        self.codes = np.empty(0, dtype=np.uint8)

    @property
    def unfit(self) -> NDArray[np.bool_]:
        """(S,) what a model must not learn from; a wrong clock leaves the values right."""
        unfit: NDArray[np.bool_] = self.codes > Health.CLOCK
        return unfit

    def grow(self) -> None:
        """Give the signals that have joined the table their places here."""
        more = len(self._table.signals) - self.codes.size
        if more:
            self._flags = np.pad(self._flags, ((0, 0), (0, more)))
            self._found = dict(zip(ROWS, self._flags, strict=True))
            self.codes = np.pad(self.codes, (0, more))

    def forget(self, slot: int, condition: Condition) -> None:
        """Let what is found next be news: from now on somebody looks, or nobody does any more."""
        if condition in self._found:
            self._found[condition][slot] = False

    def out_of_service(self) -> list[int]:
        """Slots that have been taken out of service since this was asked last."""
        out, before = self._table.seen["out"] != 0, self._found["out"]
        changed = out != before
        if not np.count_nonzero(changed):
            return []
        newly: list[int] = np.flatnonzero(changed & out).tolist()
        for found in self._found.values():
            found[newly] = False
        before[:] = out
        return newly

    def judge(self, samples: Samples, now_us: int, resumed_us: int) -> Iterator[Finding]:
        """Judge the samples of a frame; yields what came and what went.

        resumed_us: log time at which the unit last came back from silence.
        """
        table = self._table
        rows = self._rows(samples.slots)
        seen, rules = table.seen[rows], table.rules[rows]
        health.note(seen, rules, now_us, resumed_us)
        seen["time_us"] = samples.time_us[samples.ends]
        if not isinstance(rows, slice):
            table.seen[rows] = seen
        # What no working sensor can read is the range alarm's; it says nothing of jumps and standing still.
        self._found["leapt"][:] = False
        believed = self._believed(samples, table.plausible_low[rows], table.plausible_high[rows], rows)
        if believed.slots.size:
            yield from self._judge_behaviour(believed)

    def _believed(
        self, samples: Samples, low: NDArray[np.float64], high: NDArray[np.float64], rows: Rows
    ) -> Samples:
        """Return the samples within what a working sensor can read, low to high (C,), and note the others."""
        if np.count_nonzero((samples.lowest < low) | (samples.highest > high)) == 0:
            self._found["wild"][rows] = False
            return samples
        credible = (samples.value >= samples.each(low)) & (samples.value <= samples.each(high))
        self._found["wild"][rows] = ~credible[samples.ends]
        return samples.keep(credible)

    def judge_stale(self, now_us: int, resumed_us: int) -> Iterator[Finding]:
        """Look which signals have stopped, or come again."""
        stale, missing_s, allowed_s = health.stale(self._table.seen, self._table.rules, now_us, resumed_us)
        for slot in self._changed("stale", slice(None), stale):
            evidence = Evidence(float(missing_s[slot]), "s", float(allowed_s[slot]))
            yield Finding(slot, "stale", bool(stale[slot]), evidence)

    def sum_up(self, *, clock_wrong: bool) -> None:
        """Say of each signal the worst that is known of its health."""
        least = Health.CLOCK if clock_wrong else Health.GOOD
        if not self._table.in_service:
            least = Health.OUT_OF_SERVICE
        self.codes = np.full(self.codes.size, int(least), dtype=np.uint8)
        if np.count_nonzero(self._flags):
            self.codes = np.maximum(self.codes, (self._flags * _CODES).max(axis=0))

    def remember(self) -> None:
        """Put what was found last into the table's memory, a bit for each."""
        self._table.seen["shown"] = (self._flags.astype(np.int64) << _BITS).sum(axis=0)

    def recall(self) -> None:
        """Take from the table's memory what was found last."""
        self.grow()
        self._flags[:] = (self._table.seen["shown"] >> _BITS) & 1

    def _rows(self, slots: NDArray[np.intp]) -> Rows:
        """Return where runs stand in the table: where it is everywhere, nothing needs to be copied."""
        whole = slots.size == self.codes.size and bool((slots[1:] > slots[:-1]).all())
        return slice(None) if whole else slots

    def _judge_behaviour(self, samples: Samples) -> Iterator[Finding]:
        slots, rows = samples.slots, self._rows(samples.slots)
        self._note_setpoints(samples)
        seen = self._table.seen[rows]
        leaps, stands = health.observe(samples, seen, self._table.rules[rows])
        if not isinstance(rows, slice):
            self._table.seen[rows] = seen
        self._found["leapt"][rows] = leaps.leapt
        yield from self._leaps(slots, seen, leaps)
        yield from self._stands(slots, seen, stands)

    def _leaps(self, slots: NDArray[np.intp], seen: NDArray[np.void], leaps: Leaps) -> Iterator[Finding]:
        for row in self._changed("rate", slots, leaps.jumped):
            signal, jumped = self._table.signals[int(slots[row])], bool(leaps.jumped[row])
            most = signal.spec.max_rate_per_min if signal.spec else None
            rate = float(leaps.rate_per_min[row]) if jumped else None
            evidence = Evidence(rate, f"{signal.unit_code}/min", most, int(leaps.jumped_us[row]))
            yield Finding(int(slots[row]), "rate", jumped, evidence)
        if not seen["spikes"].any():
            return
        spikes = health_leaps.recent(seen, seen["value_us"])
        often = spikes > health_leaps.SPIKES_ALLOWED
        for row in self._changed("spike", slots, often):
            evidence = Evidence(round(float(spikes[row])), "1", health_leaps.SPIKES_ALLOWED)
            yield Finding(int(slots[row]), "spike", bool(often[row]), evidence)

    def _stands(self, slots: NDArray[np.intp], seen: NDArray[np.void], stands: Stands) -> Iterator[Finding]:
        shown: tuple[tuple[Condition, NDArray[np.bool_]], ...] = (
            ("clipping", stands.clipped),
            ("frozen", stands.frozen),
        )
        for condition, found in shown:
            for row in self._changed(condition, slots, found):
                slot, after = int(slots[row]), span(float(stands.frozen_after_s[row]))
                unit_code, value = self._table.signals[slot].unit_code, float(seen["value"][row])
                evidence = Evidence(value, unit_code, None, int(seen["value_us"][row]), limit_text=after)
                yield Finding(slot, condition, bool(found[row]), evidence)

    def _note_setpoints(self, samples: Samples) -> None:
        """A set point that has changed moves its signal on purpose."""
        sets = self._table.sets[samples.slots]
        if (sets < 0).all():
            return
        seen, slots, last = self._table.seen, samples.slots, samples.ends
        known = (sets >= 0) & (seen["value_us"][slots] >= 0)
        step = np.abs(samples.value[last] - seen["value"][slots])
        changed = known & (step > self._table.rules["step_allowed"][slots])
        until_us = samples.time_us[last][changed] + round(health.SETTLE_S * 1e6)
        seen["unsettled_us"][sets[changed]] = until_us

    def _changed(self, condition: Condition, slots: Rows, now: NDArray[np.bool_]) -> list[int]:
        """Rows in which a finding has come or gone; remembers what is found now."""
        found = self._found[condition]
        changed = found[slots] != now
        if not np.count_nonzero(changed):
            return []
        found[slots] = now
        rows: list[int] = np.flatnonzero(changed).tolist()
        return rows
