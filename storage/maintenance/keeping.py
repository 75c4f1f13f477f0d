"""Which days of a signal may be dropped: rules, batches and legal holds. Pure.

A day (UTC) goes as a whole or stays as a whole. Where several rules meet in one, for a batch ended in the
morning and another member's began in the afternoon, the one that keeps longest decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DAY_S = 86_400

LEVELS = ("raw", "1s", "1m", "1h", "scores", "forecasts")
"""What rules are for: samples and their sums, the finest first, and what models said."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Keep a level for so many days; None: of every class, of every member and outside of batches."""

    level: str
    signal_class: str | None
    member: str | None
    keep_days: int


@dataclass(frozen=True, slots=True)
class Stay:
    """A batch in its unit, start_s <= time < end_s in seconds since 1970, inf where there is no end yet."""

    member: str
    start_s: float
    end_s: float
    held: bool = False


@dataclass(frozen=True, slots=True)
class Days:
    """first <= day < end, counted from 1970 UTC; -inf: from the beginning."""

    first: float
    end: float


def keep_days(rules: Iterable[Rule], level: str, signal_class: str | None, member: str | None) -> float:
    """Days for which a level is kept; inf without a rule that fits.

    A rule for the member wins over one for the class, for the data are the member's.
    """
    fitting = [
        rule
        for rule in rules
        if rule.level == level and rule.signal_class in (None, signal_class) and rule.member in (None, member)
    ]
    best = max(fitting, key=lambda r: (r.member is not None, r.signal_class is not None), default=None)
    return inf if best is None else best.keep_days


def droppable(
    rules: Iterable[Rule], level: str, signal_class: str | None, stays: Sequence[Stay], today: int
) -> list[Days]:
    """The days of a unit's signals of one class that no rule and no hold keeps, in order.

    stays: the unit's batches. today: day since 1970 UTC.
    """
    rules = list(rules)

    def cut(member: str | None) -> float:
        return today - keep_days(rules, level, signal_class, member)

    kept = [_days(s.start_s, s.end_s, -inf if s.held else cut(s.member)) for s in stays]
    kept += [_days(start_s, end_s, cut(None)) for start_s, end_s in _between(stays)]
    # From today on nothing is old, whatever the rules say.
    return _gaps([*kept, Days(today, inf)])


def _days(start_s: float, end_s: float, cut: float) -> Days:
    """The days of a span from `cut` on, those that it only begins or ends in included."""
    first = -inf if start_s == -inf else floor(start_s / DAY_S)
    end = inf if end_s == inf else ceil(end_s / DAY_S)
    return Days(max(first, cut), end)


def _between(stays: Sequence[Stay]) -> list[tuple[float, float]]:
    """The spans outside of all batches."""
    ends, found = -inf, []
    for stay in sorted(stays, key=lambda s: s.start_s):
        if stay.start_s > ends:
            found.append((ends, stay.start_s))
        ends = max(ends, stay.end_s)
    return [*found, (ends, inf)] if ends < inf else found


def _gaps(kept: Iterable[Days]) -> list[Days]:
    """What lies between spans, from the beginning of time."""
    merged = [Days(-inf, -inf)]
    for days in sorted((d for d in kept if d.first < d.end), key=lambda d: d.first):
        if days.first <= merged[-1].end:
            merged[-1] = Days(merged[-1].first, max(merged[-1].end, days.end))
        else:
            merged.append(days)
    return [Days(before.end, after.first) for before, after in pairwise(merged)]
