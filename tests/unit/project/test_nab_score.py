"""NAB's score, as its authors define it: worked by hand."""

from __future__ import annotations

import json
from math import exp
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.models import _nab_files, nab
from bench.models._files import Passed
from bench.models._nab_score import Outcome, corpus, outcome, told, weigh

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 1000
WINDOWS = [(400, 499), (700, 799)]


def alarms(*rows: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    alarm = np.zeros(ROWS, dtype=np.bool_)
    alarm[list(rows)] = True
    return alarm


def scored(*rows: int) -> Outcome:
    return outcome(weigh(ROWS, WINDOWS), alarms(*rows))


def sigmoid(position: float) -> float:
    return 2.0 / (1.0 + exp(5.0 * position)) - 1.0


def test_never_alarming_is_nothing_and_an_alarm_as_each_window_begins_is_everything() -> None:
    assert scored().normalised == 0.0
    assert scored(400, 700).normalised == pytest.approx(100.0)


def test_a_late_hit_earns_less_and_only_the_first_counts() -> None:
    expected = sigmoid(-50 / 100) / sigmoid(-1.0) - 1.0
    assert scored(450).raw == pytest.approx(expected)
    assert scored(450, 460, 499).raw == pytest.approx(expected)
    assert scored(450).hits == 1


def test_a_false_alarm_costs_a_little_and_less_just_behind_a_window() -> None:
    assert scored(300).raw == pytest.approx(-2.0 - 0.11)
    assert scored(510).raw == pytest.approx(-2.0 + 0.11 * sigmoid(11 / 99))
    assert scored(998).raw == pytest.approx(-2.0 + 0.11 * sigmoid(199 / 99))


def test_the_first_rows_count_for_nothing_and_there_are_at_most_750_of_them() -> None:
    assert scored(0, 149).raw == -2.0
    assert scored(150).raw == pytest.approx(-2.11)
    assert int(weigh(100_000, []).counted.argmax()) == 750


def test_a_corpus_is_scored_as_one_and_its_false_alarms_are_counted() -> None:
    weights = {"a": weigh(ROWS, WINDOWS), "b": weigh(ROWS, [])}
    together = corpus(weights, {"a": alarms(400, 700), "b": alarms(500)})
    assert together.normalised == pytest.approx(100.0 * (2.0 - 0.11 + 2.0) / 4.0)
    assert (together.false_alarms, together.healthy_rows) == (1, 650 + 850)


def test_a_suspicion_that_lasts_is_told_again_only_after_a_while() -> None:
    score = np.array([0.0, 3.0, 3.0, 3.0, 0.0, 3.0, 3.0])
    assert np.flatnonzero(told(score, 2.0, 3)).tolist() == [1, 5]
    assert np.flatnonzero(told(score, 2.0, 1)).tolist() == [1, 2, 3, 5, 6]


def test_streams_are_read_from_whatever_folder_holds_them_and_scored(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    start = np.datetime64("2014-04-01T00:00:00")
    times = [str(start + np.timedelta64(5 * row, "m")).replace("T", " ") for row in range(ROWS)]
    for name in ("one", "two"):
        values = 50.0 + random.standard_normal(ROWS)
        values[500:560] += 40.0
        folder = tmp_path / "kind"
        folder.mkdir(exist_ok=True)
        rows = [f"{time},{value}" for time, value in zip(times, values.tolist(), strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["timestamp,value", *rows, ""]), encoding="utf-8")
    windows = {f"kind/{name}.csv": [[times[490], times[600]]] for name in ("one", "two", "absent")}
    (tmp_path / _nab_files.WINDOWS).write_text(json.dumps(windows), encoding="utf-8")
    streams = _nab_files.read(tmp_path, Passed(tmp_path))
    assert [stream.windows for stream in streams.values()] == [[(490, 600)]] * 2
    figures = {figure.name: figure.value for figure in nab.measure(tmp_path).figures}
    assert figures["NAB windows hit"] == 2
    assert figures["NAB standard score"] > 70.0
    # So few rows have no quantile worth the name.
    assert figures["NAB standard score"] == figures["NAB score, recipe's threshold"]


def test_the_threshold_is_what_one_in_a_hundred_training_rows_reach() -> None:
    weights = {"a": weigh(5000, []), "b": weigh(5000, [])}
    score = {name: np.full(one.worth.size, 9.0) for name, one in weights.items()}
    for each in score.values():
        each[:750] = np.linspace(1.0, 2.0, 750)
    assert nab.threshold_of(weights, score, 0.99, 5.0) == pytest.approx(1.99, abs=0.002)
    assert nab.threshold_of({"a": weights["a"]}, score, 0.99, 5.0) == 5.0


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="combined_windows"):
        _nab_files.read(tmp_path, Passed(tmp_path))
