"""Every recipe passes the one suite of checks, and the suite finds what it is there for."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from agents.models import scales
from agents.models.check_subjects import subject
from agents.models.checks import examine
from agents.models.contenders import SHIPPED, read
from agents.models.step import UnitScore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from agents.models.check_unit import Subject
    from agents.models.step import Step
    from schemas.signals import SignalSpec

SCALER = {"model": "preprocessing.StandardScaler"}
ESTIMATORS: dict[str, list[dict[str, Any]]] = {
    "trees": [
        {"model": "preprocessing.MinMaxScaler"},
        {
            "model": "anomaly.HalfSpaceTrees",
            "parameters": {"n_trees": 5, "height": 5, "window_size": 30, "seed": 1},
        },
    ],
    "support vectors": [SCALER, {"model": "anomaly.OneClassSVM"}],
    "Holt-Winters": [{"model": "time_series.HoltWinters", "parameters": {"alpha": 0.3, "beta": 0.05}}],
    "linear regression": [SCALER, {"model": "linear_model.LinearRegression"}],
    "a Gaussian": [{"model": "anomaly.GaussianScorer", "parameters": {"grace_period": 20}}],
}
STEPS = 240


def own(estimator: list[dict[str, Any]], **changes: Any) -> Subject:
    said = {
        "name": "mine",
        "version": "1",
        "about": "Mine.",
        "layer": "own",
        "step_s": 10,
        "baseline_steps": 60,
        "estimator": estimator,
        **changes,
    }
    return subject(*read(yaml.safe_dump(said)), steps=STEPS)


def shipped(layer: str, steps: int) -> Subject:
    if layer == "scales":  # called by no unit yet
        recipe = scales.shipped()
        return subject(layer, recipe, lambda: scales.ScalesLayer(recipe), steps)
    return subject(*read(SHIPPED[layer].text(), layer), steps=steps)


BASELINES = {
    "residual": 200,
    "multivariate": 700,
    "envelope": 200,
    "attribution": 150,
    "drift": 1500,
    "forecast": 200,
    "scales": 150,
}
"""Steps of a check, longer than the layer's baseline."""

SUBJECTS: dict[str, Callable[[], Subject]] = {
    **{layer: partial(shipped, layer, steps) for layer, steps in BASELINES.items()},
    **{name: partial(own, estimator) for name, estimator in ESTIMATORS.items()},
}


def test_every_layer_that_comes_with_sparge_is_checked() -> None:
    assert {*SHIPPED, "scales"} == {*BASELINES}


def failed(checked: Subject, samples: int = 3000, tick_s: float = 1e-6) -> dict[str, str]:
    ticks = itertools.count()
    findings = examine(checked, lambda: next(ticks) * tick_s, samples=samples, within_s=10.0)
    return {finding.check: finding.said for finding in findings if not finding.passed}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_shipped_recipe_and_an_estimator_of_river_pass_every_check(name: str) -> None:
    assert failed(SUBJECTS[name]()) == {}


def test_what_a_recipe_raises_is_the_reason_why_it_is_refused() -> None:
    wrong = {"model": "anomaly.QuantileFilter", "parameters": {"q": 0.9, "anomaly_detector": SCALER}}
    assert "it raised AttributeError" in failed(own([wrong]))["cost of a step"]


def test_an_estimator_that_is_asked_before_it_has_settled_is_found() -> None:
    unsettled = own([{"model": "anomaly.GaussianScorer", "parameters": {"grace_period": 200}}])
    assert "of steady noise" in failed(unsettled)["steady noise is not suspected"]


def test_a_long_check_that_takes_too_long_says_how_far_it_came() -> None:
    ticks = itertools.count()
    (*_, last) = examine(
        own(ESTIMATORS["Holt-Winters"]), lambda: next(ticks) * 1e-3, samples=10**6, within_s=0.004
    )
    assert last.passed
    assert "(no more in 0.004 s)" in last.said


def test_each_check_is_named_as_it_begins() -> None:
    ticks = itertools.count()
    begun: list[str] = []
    checked = own(ESTIMATORS["Holt-Winters"])
    found = examine(checked, lambda: next(ticks) * 1e-6, samples=100, begun=begun.append)
    assert begun == [one.check for one in found]


class Faulty:
    """A layer with one fault, by name."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self._signals = 0
        self._steps = 0
        self._seen: list[float] = []

    def add(self, name: str, spec: SignalSpec | None) -> None:  # noqa: ARG002 - any will do
        self._signals += 1

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> UnitScore | None:  # noqa: ARG002 - the same
        self._steps += 1
        self._seen += [0.0] * 100 if self.fault in {"grows", "knows too much"} else []
        if self.fault == "raises" and self._steps > 200:
            raise ZeroDivisionError("after 200 steps")
        score = {"NaN": np.nan, "forgets": float(self._steps), "saturates": np.inf}.get(self.fault, 0.0)
        learned = self.fault == "learns all" or bool(step.fit.any())
        if not step.fresh.any() and self.fault != "speaks of nothing":
            return None
        return UnitScore("own", score, self.fault == "suspects all", learned, np.zeros(self._signals))

    def state(self) -> Mapping[str, Any]:
        hidden = [0.0] * self._steps if self.fault == "hides" else []
        return {"seen": np.array(self._seen + hidden)}

    def take_up(self, state: Mapping[str, Any]) -> None:
        self._seen = [] if self.fault in {"takes up all", "hides"} else state["seen"].tolist()


def faulty(fault: str, **changes: Any) -> Subject:
    return replace(own(ESTIMATORS["Holt-Winters"]), make=lambda: Faulty(fault), **changes)


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("NaN", "cost of a step", "its score is nan"),
        ("saturates", "cost of a step", "its score is inf"),
        ("suspects all", "constant input", "suspects signals that do not move"),
        ("suspects all", "steady noise is not suspected", "suspects 100.0%"),
        ("speaks of nothing", "all values missing", "of signals that were never sampled"),
        ("learns all", "what is unfit is not learnt", "learns from values"),
        ("forgets", "snapshot and resume", "stopped after 1 steps, it differs 1 steps after"),
        ("hides", "snapshot and resume", "knows something else"),
        ("takes up all", "a torn snapshot is refused", "takes up a state without seen"),
        ("raises", "one signal", "it raised ZeroDivisionError: after 200 steps"),
        ("raises", "in its place in a unit", "it goes out of service: ZeroDivisionError"),
        ("grows", "9,000 samples", "its state grows"),
        ("knows too much", "9,000 samples", "it knows too much"),
    ],
)
def test_a_fault_is_found(fault: str, check: str, said: str) -> None:
    most = 1000 if fault == "knows too much" else 10**9
    assert said in failed(faulty(fault, most_bytes=most), samples=9_000)[check]


def test_a_model_that_costs_too_much_is_not_checked_further() -> None:
    found = failed(faulty(""), tick_s=1.0)
    assert list(found) == ["cost of a step"]
    assert "it costs too much" in found["cost of a step"]


def test_a_layer_without_a_fault_passes() -> None:
    assert failed(faulty("")) == {}
