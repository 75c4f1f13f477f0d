"""BATADAL: are the attacks on a town's water network found, how soon, and at what false-alarm rate?

Files whose hours are all labelled as free of attacks train; in those with an attack ATT_FLAG 1 is one, and
the rest counts as normal, though some hours of it are known to be attacked and were left unlabelled: the FAR
is an upper bound. S is the contest's score on these windows. The configuration is batadal.yaml.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure, Report
from bench.models._files import Passed, files, refused
from bench.models._score import always, at_random, confusion
from bench.models._table import TIMES, headless, missing, moment_us, read_table
from bench.models._unit import TrainedUnit, recipe_for, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FLAG = "ATT_FLAG"
UNLABELLED = -999.0
PUBLISHED = (
    "The contest's teams on its own test set, which is not here (S): .970 .949 .927 .894 .802 .773 .534; "
    "alarming always .750, plain LODA .640."
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: `rows` (N, S) of its tags, `flag` (N,) 1, 0 or NaN where unlabelled; what is to be said."""

    path: Path
    tags: tuple[str, ...]
    rows: NDArray[np.float64]
    flag: NDArray[np.float64]
    notes: tuple[str, ...]

    @property
    def attacked(self) -> NDArray[np.bool_]:
        """(N,) the hours of an attack."""
        return self.flag > 0.0

    def of(self, tags: Sequence[str]) -> NDArray[np.float64]:
        """Return the columns of these tags."""
        return np.ascontiguousarray(self.rows[:, [self.tags.index(tag) for tag in tags]])


def read(path: Path, passed: Passed) -> Recording | None:
    """Read a file; None where it is passed over.

    Raises:
        ValueError: it has no header, a cell is no number, a flag none, or the times do not rise.
    """
    table = read_table(path)
    if headless(table):
        raise refused(path, table.first_line, "it has no header", "put the names of the columns first")
    flag, time = table.name(FLAG), table.name(*TIMES)
    if flag is None or time is None:
        passed.over(path, f"not of this format or unlabelled (it has no {FLAG} or no DATETIME)")
        return None
    if not len(table):
        passed.over(path, "without rows")
        return None
    table.times_us(time, hour_us)
    names = [name for name in table.cells if name not in {flag, time}]
    rows = table.numbers(names)
    told = table.flags(flag, (0.0, 1.0, UNLABELLED))
    told[told == UNLABELLED] = np.nan
    few = missing(rows)
    return Recording(path, tuple(names), rows, told, (f"{path.name}: {few}.",) if few else ())


def hour_us(cell: str) -> int:
    """Return a time in µs since 1970, as the contest writes hours (06/01/14 00) or by ISO 8601."""
    if cell[2:3] != "/":
        return moment_us(cell)
    return round(datetime.strptime(cell, "%d/%m/%y %H").replace(tzinfo=UTC).timestamp()) * 1_000_000


def measure(data: Path) -> Report:
    """Run the files under `data`; raises ValueError where training rows or attacks are missing."""
    passed = Passed(data)
    training: list[Recording] = []
    tests: list[Recording] = []
    notes: list[str] = []
    for one in (read(path, passed) for path in files(data, passed, ".csv")):
        if one is None:
            continue
        unlabelled = int(np.isnan(one.flag).sum())
        if one.attacked.any():
            tests.append(one)
            if unlabelled:
                notes.append(f"{one.path.name}: {unlabelled} unlabelled hours count as normal.")
        elif unlabelled:
            passed.over(one.path, "without an attack, and not all hours are labelled as free of one")
            continue
        else:
            training.append(one)
        notes += one.notes
    if not training or not tests:
        wrong = f"{data} needs a file without attacks, to train on, and one with {FLAG} 1"
        raise ValueError(passed.with_reasons(wrong))
    tags, more = _tags([*training, *tests])
    notes += more
    rows = np.concatenate([one.of(tags) for one in training])
    unit = TrainedUnit(recipe_for(Path(__file__).with_suffix(".yaml"), len(rows), data), rows)
    judged = [unit.judge(one.of(tags), follows=False) for one in tests]
    if all(np.isnan(one.score).all() for one in judged):
        raise ValueError(f"{data}: no hour of the files with attacks could be judged")
    alarms = []
    for test, said in zip(tests, judged, strict=True):
        notes += silent(test.path.name, said)
        alarms.append((test.attacked, said.suspect))
    return _report(alarms, (*notes, *passed.told))


def _tags(recordings: Sequence[Recording]) -> tuple[list[str], list[str]]:
    """Return the tags that all files have, and what is left out; ValueError where a file lacks many's tag."""
    counts = Counter(tag for one in recordings for tag in one.tags)
    for one in recordings:
        if lacking := [tag for tag in counts if tag not in one.tags and 2 * counts[tag] > len(recordings)]:
            how = f"it lacks {', '.join(lacking)}, which the other files have"
            raise refused(one.path, None, how, "add the columns, or take them out of all files")
    tags = [tag for tag in recordings[0].tags if counts[tag] == len(recordings)]
    if not tags:
        raise ValueError(f"{recordings[0].path.parent}: no tag is in all of the files")
    alone = sorted(set(counts) - set(tags))
    return tags, [f"Left out, as not every file has them: {', '.join(alone)}."] if alone else []


def windows(truth: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return each attack's first row and the row after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], truth, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def already_on(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> list[bool]:
    """Whether, for each attack, the hour before it was alarmed already."""
    return [begin > 0 and bool(alarm[begin - 1]) for begin, _ in windows(truth)]


def anew(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> list[bool]:
    """Whether, for each attack, an alarm begins inside it."""
    begins = alarm & ~np.concatenate([[False], alarm[:-1]])
    return [bool(begins[begin:end].any()) for begin, end in windows(truth)]


def delays(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> list[float]:
    """Return for each attack the share of it before its first alarm; 1 where there was none."""
    passed = []
    for begin, end in windows(truth):
        alarms = np.flatnonzero(alarm[begin:end])
        passed.append(float(alarms[0]) / (end - begin) if alarms.size else 1.0)
    return passed


def s_score(
    truth: NDArray[np.bool_], alarm: NDArray[np.bool_], real: NDArray[np.bool_] | None = None
) -> float:
    """Return the contest's S: half for time to detection, half for hit rate and rejection rate.

    real: (N,) rows that the two rates count; all of them where it is not given.
    """
    counted = confusion(truth, alarm) if real is None else confusion(truth[real], alarm[real])
    return 0.5 * (1.0 - float(np.mean(delays(truth, alarm)))) + 0.25 * (2.0 - counted.mar - counted.far)


def _report(
    recordings: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]], notes: Sequence[str]
) -> Report:
    # A quiet row between two files keeps apart what begins one and ends another; it is in no rate.
    truth, alarm = (np.concatenate([np.append(pair[part], False) for pair in recordings]) for part in (0, 1))
    real = np.concatenate([np.append(np.ones(one.size, np.bool_), False) for one, _ in recordings])
    counted, passed = confusion(truth[real], alarm[real]), delays(truth, alarm)
    on, new = already_on(truth, alarm), anew(truth, alarm)
    found = sum(share < 1.0 for share in passed)
    at_once = sum(was and share == 0.0 for was, share in zip(on, passed, strict=True))
    figures = [
        Figure("BATADAL attacks found", found, f"of {len(passed)}"),
        Figure("BATADAL attacks in which an alarm begins", sum(new), f"of {len(passed)}"),
        Figure("BATADAL attacks found at once by an alarm already on", at_once, f"of {len(passed)}"),
    ]
    if normal := not truth[real].all():
        by_chance = real & (np.random.default_rng(20_261).random(truth.size) < counted.far)
        own, everything = s_score(truth, alarm, real), s_score(truth, np.ones_like(truth), real)
        figures += [
            Figure("BATADAL S", own, "", own / 0.75, "alarming always"),
            Figure("BATADAL FAR", counted.far, ""),
            Figure("BATADAL S, alarming always", everything, ""),
            Figure("BATADAL S, at random with this FAR", s_score(truth, by_chance, real), ""),
            Figure("BATADAL F1, at random with this FAR", at_random(truth[real], counted.far).f1, ""),
        ]
    figures += [
        Figure("BATADAL hours of attack alarmed", 1.0 - counted.mar, ""),
        Figure("BATADAL F1", counted.f1, ""),
        Figure("BATADAL F1, alarming always", always(truth[real]).f1, ""),
    ]
    told = ", ".join(
        f"{share:.2f}" + (" (the alarm was on in the hour before)" if was else "")
        for share, was in zip(passed, on, strict=True)
    )
    about = [f"Share of each attack that passed before the first alarm: {told}."]
    if not normal:
        about.append("No hour is free of an attack, so there is no FAR and no S.")
    return Report("batadal", tuple(figures), (*about, *notes, PUBLISHED))
