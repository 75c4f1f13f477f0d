"""Every recipe passes the one suite of checks, and the suite finds what it is there for."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from agents.models import multivariate, own_recipe, residual
from agents.models.checks import Subject, examine
from agents.models.step import UnitScore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from agents.models.step import Layer, Step
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
STEPS = 300


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
    recipe = own_recipe.load(yaml.safe_dump(said))
    return Subject(lambda: own_recipe.layer(recipe), recipe.step_s, steps=STEPS)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "residual": lambda: Subject(lambda: residual.ResidualLayer(residual.shipped()), 5.0, steps=STEPS),
    "multivariate": lambda: Subject(
        lambda: multivariate.MultivariateLayer(multivariate.shipped()), 5.0, steps=2 * STEPS
    ),
    **{name: partial(own, estimator) for name, estimator in ESTIMATORS.items()},
}


def failed(subject: Subject, samples: int = 5000) -> dict[str, str]:
    ticks = itertools.count()
    findings = examine(subject, lambda: next(ticks) * 1e-3, samples=samples, within_s=10.0)
    return {finding.check: finding.said for finding in findings if not finding.passed}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_shipped_recipe_and_an_estimator_of_river_pass_every_check(name: str) -> None:
    assert failed(SUBJECTS[name]()) == {}


def test_what_a_recipe_raises_is_the_reason_why_it_is_refused() -> None:
    wrong = {"model": "anomaly.QuantileFilter", "parameters": {"q": 0.9, "anomaly_detector": SCALER}}
    assert "it raised AttributeError" in failed(own([wrong]))["constant input"]


def test_an_estimator_that_is_asked_before_it_has_settled_is_found() -> None:
    unsettled = own([{"model": "anomaly.GaussianScorer", "parameters": {"grace_period": 200}}])
    assert "of steady noise" in failed(unsettled)["steady noise is not suspected"]


def test_a_long_check_that_takes_too_long_says_how_far_it_came() -> None:
    subject = own(ESTIMATORS["Holt-Winters"])
    ticks = itertools.count()
    (*_, last) = examine(subject, lambda: float(next(ticks)), samples=10**6, within_s=4.0)
    assert last.passed
    assert "(no more in 4 s)" in last.said


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
        self._seen += [0.0] * 100 if self.fault == "grows" else []
        score = {"NaN": np.nan, "forgets": float(self._steps), "saturates": np.inf}.get(self.fault, 0.0)
        learned = self.fault == "learns all" or bool(step.fit.any())
        return UnitScore("own", score, self.fault == "suspects all", learned, np.zeros(self._signals))

    def state(self) -> Mapping[str, Any]:
        return {"seen": np.array(self._seen)}

    def take_up(self, state: Mapping[str, Any]) -> None:
        self._seen = state["seen"].tolist()


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("NaN", "constant input", "its score is nan"),
        ("saturates", "constant input", "its score is inf"),
        ("suspects all", "constant input", "suspects signals that do not move"),
        ("suspects all", "steady noise is not suspected", "suspects 100.0%"),
        ("learns all", "what is unfit is not learnt", "learns from values"),
        ("forgets", "snapshot and resume", "stopped after 1 steps, it differs 1 steps after"),
        ("grows", "5,000 samples", "its state grows"),
    ],
)
def test_a_fault_is_found(fault: str, check: str, said: str) -> None:
    assert said in failed(Subject(lambda: Faulty(fault), 10.0, steps=STEPS))[check]


def test_a_layer_without_a_fault_passes() -> None:
    assert failed(Subject(lambda: _as_layer(Faulty("")), 10.0, steps=STEPS)) == {}


def _as_layer(faulty: Faulty) -> Layer:
    return faulty
