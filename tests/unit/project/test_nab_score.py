"""NAB's score, as its authors define it: worked by hand."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from bench.models._nab_score import Outcome, corpus, outcome, told, weigh

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
