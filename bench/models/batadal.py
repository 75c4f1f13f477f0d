"""BATADAL: are the attacks on a town's water network found, how soon, and at what false-alarm rate?

Files without an attack train; in the others ATT_FLAG 1 is an attack, and the rest counts as normal, though
some hours of it are known to be attacked and were left unlabelled: the FAR is an upper bound. S is the
contest's score on these windows. The configuration is batadal.yaml.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure, Report
from bench.models._columns import read_columns
from bench.models._score import always, at_random, confusion
from bench.models._unit import TrainedUnit, recipe_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLAG = "ATT_FLAG"
PUBLISHED = (
    "The contest's teams on its own test set, which is not here (S): .970 .949 .927 .894 .802 .773 .534; "
    "alarming always .750, plain LODA .640."
)


def measure(data: Path) -> Report:
    """Run the files under `data`; raises ValueError where training rows or attacks are missing."""
    training: list[NDArray[np.float64]] = []
    tests: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
    tags: list[str] = []
    for path in sorted(data.rglob("*.csv")):
        columns = read_columns(path, ",")
        if FLAG not in columns:
            continue
        tags = tags or [name for name in list(columns)[1:] if name != FLAG]
        if missing := set(tags) - set(columns):
            raise ValueError(f"{path} lacks {', '.join(sorted(missing))}, which the files before it have")
        rows = np.column_stack([columns[name] for name in tags])
        attacked = columns[FLAG] == 1.0
        if attacked.any():
            tests.append((rows, attacked))
        else:
            training.append(rows)
    if not training or not tests:
        raise ValueError(f"{data} needs a file without attacks, to train on, and one with ATT_FLAG 1")
    rows = np.concatenate(training)
    unit = TrainedUnit(recipe_for(Path(__file__).with_suffix(".yaml"), len(rows)), rows)
    alarm = np.concatenate([unit.judge(test, follows=False).suspect for test, _ in tests])
    truth = np.concatenate([attacked for _, attacked in tests])
    return _report(truth, alarm)


def delays(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> list[float]:
    """Return for each attack the share of it before its first alarm; 1 where there was none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], truth, [False]]).astype(np.int8)))
    passed = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        alarms = np.flatnonzero(alarm[begin:end])
        passed.append(float(alarms[0]) / (end - begin) if alarms.size else 1.0)
    return passed


def s_score(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> float:
    """Return the contest's S: half for time to detection, half for hit rate and rejection rate."""
    counted = confusion(truth, alarm)
    return 0.5 * (1.0 - float(np.mean(delays(truth, alarm)))) + 0.25 * (2.0 - counted.mar - counted.far)


def _report(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> Report:
    counted, passed = confusion(truth, alarm), delays(truth, alarm)
    everything = np.ones_like(truth)
    by_chance = np.random.default_rng(20_261).random(truth.size) < counted.far
    found = sum(share < 1.0 for share in passed)
    figures = (
        Figure("BATADAL attacks found", found, f"of {len(passed)}"),
        Figure("BATADAL S", s_score(truth, alarm), "", s_score(truth, alarm) / 0.75, "alarming always"),
        Figure("BATADAL FAR", counted.far, ""),
        Figure("BATADAL hours of attack alarmed", 1.0 - counted.mar, ""),
        Figure("BATADAL F1", counted.f1, ""),
        Figure("BATADAL S, alarming always", s_score(truth, everything), ""),
        Figure("BATADAL F1, alarming always", always(truth).f1, ""),
        Figure("BATADAL S, at random with this FAR", s_score(truth, by_chance), ""),
        Figure("BATADAL F1, at random with this FAR", at_random(truth, counted.far).f1, ""),
    )
    shares = ", ".join(f"{share:.2f}" for share in passed)
    observation = f"Share of each attack that passed before the first alarm: {shares}."
    return Report("batadal", figures, (observation, PUBLISHED))
