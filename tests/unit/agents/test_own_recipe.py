"""Any River estimator, named in a file, runs as a challenger: judged, guarded, kept, and refused if wrong."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from river import stats

from agents.context import NO_BATCH, Context
from agents.models import own_recipe, river_state
from agents.models.own_detector import OwnDetector
from agents.models.own_signals import OwnSignals
from agents.models.river_panic import panics_as_errors
from agents.models.step import SignalScores, Step, UnitScore
from schemas.errors import ModelRefused, SnapshotRefused

if TYPE_CHECKING:
    from agents.models.step import Layer

Part = dict[str, Any]
SCALER: Part = {"model": "preprocessing.StandardScaler"}
TREES: list[Part] = [
    {"model": "preprocessing.MinMaxScaler"},
    {
        "model": "anomaly.HalfSpaceTrees",
        "parameters": {"n_trees": 5, "height": 6, "window_size": 50, "seed": 1},
    },
]
HOLT: list[Part] = [{"model": "time_series.HoltWinters", "parameters": {"alpha": 0.3, "beta": 0.05}}]
NEIGHBOURS: list[Part] = [SCALER, {"model": "anomaly.LocalOutlierFactor", "parameters": {"n_neighbors": 5}}]
SVM: list[Part] = [SCALER, {"model": "anomaly.OneClassSVM", "parameters": {"nu": 0.1}}]


def text(estimator: list[Part], **changes: Any) -> str:
    said = {
        "name": "mine",
        "version": "1",
        "about": "Mine.",
        "layer": "own",
        "step_s": 10,
        "baseline_steps": 60,
        "rebaseline_after_s": 300,
        "estimator": estimator,
        **changes,
    }
    return yaml.safe_dump(said)


def layer(estimator: list[Part], *names: str, **changes: Any) -> Layer:
    made = own_recipe.layer(own_recipe.load(text(estimator, **changes)))
    for name in names:
        made.add(name, None)
    return made


def step(number: int, *values: float, fit: bool = True, context: Context = NO_BATCH) -> Step:
    value = np.array(values)
    fresh = np.isfinite(value)
    return Step(number * 10_000_000, value, fresh, fresh & fit, context)


UNDOUBTED = np.zeros(2, dtype=np.bool_)


def trained(made: Layer, steps: int = 200) -> np.random.Generator:
    """A layer that has seen two steady signals that move together."""
    noise = np.random.default_rng(3)
    for number in range(steps):
        made.take(steady(number, noise), UNDOUBTED)
    return noise


def steady(number: int, noise: np.random.Generator) -> Step:
    common = noise.standard_normal()
    return step(number, 40.0 + common, 7.0 + 0.1 * common + 0.01 * noise.standard_normal())


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        (TREES, "detector"),
        (SVM, "detector"),
        (HOLT, "forecaster"),
        ([SCALER, {"model": "linear_model.LinearRegression"}], "regressor"),
        ([{"model": "anomaly.GaussianScorer"}], "judge"),
    ],
)
def test_an_estimator_is_asked_what_it_can_answer(estimator: list[Part], kind: str) -> None:
    assert own_recipe.load(text(estimator)).kind() == kind


def test_parts_may_hold_parts_and_mappings() -> None:
    inner = {"model": "anomaly.OneClassSVM", "parameters": {"nu": 0.2}}
    kept = {"model": "anomaly.QuantileFilter", "parameters": {"q": 0.99, "anomaly_detector": inner}}
    assert "OneClassSVM" in str(own_recipe.load(text([SCALER, kept])).build())
    trees = {**TREES[1], "parameters": {"limits": {"DO": [0.0, 100.0]}, "seed": 1}}
    assert own_recipe.load(text([trees])).build().limits["DO"] == (0.0, 100.0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a: [", "not YAML"),
        ("- a", "no lines such as"),
        (text([]), "estimator"),
        (text(HOLT, layer=None), "layer"),
        (text(HOLT, step_s=-1), "step_s"),
        (text(HOLT, other=1), "other"),
        (text(HOLT, signals=["DO", "DO"]), "name each once"),
        (text([{"model": "os.system"}]), "cannot name os.system"),
        (text([{"model": "river.os"}]), "cannot name river.os"),
        (text([{"model": "datasets.Bikes"}]), "cannot name datasets.Bikes"),
        (text([{"model": "anomaly.annotations"}]), "has no anomaly.annotations"),
        (text([{"model": "anomaly.hst.collections.deque"}]), "has no anomaly.hst"),
        (text([{"model": "anomaly.HalfSpaceTrees", "parameters": {"trees": 5, "seed": 1}}]), "does not take"),
        (text([{"model": "anomaly.HalfSpaceTrees"}]), "no seed"),
        (text([TREES[1]]), "looks between 0 and 1 only"),
        (text([{"model": "drift.ADWIN"}]), "neither an anomaly detector, nor a forecaster, nor a regressor"),
        (text([SCALER]), "neither an anomaly detector, nor a forecaster, nor a regressor"),
        (text(HOLT, river="0.25"), "is made for River 0.25"),
    ],
)
def test_a_recipe_that_is_wrong_is_refused_with_the_reason(body: str, reason: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        own_recipe.load(body)
    assert reason in refused.value.message


@pytest.mark.parametrize(
    ("part", "message", "next_step"),
    [
        ({"model": "anomaly.OneClasSVM"}, "has no anomaly.OneClasSVM", "write anomaly.OneClassSVM"),
        ({"model": "stats.xyz"}, "has no stats.xyz", "look it up"),
        (
            {"model": "anomaly.OneClassSVM", "parameters": {"mu": 1}},
            "does not take",
            "it takes nu, optimizer",
        ),
        ("anomaly.OneClassSVM", "estimator, part 2: Input should be", ""),
        ({"model": "anomaly.OneClassSVM", "nu": 1}, "estimator, part 2, nu: Extra inputs", ""),
    ],
)
def test_what_is_wrong_with_a_part_is_said_with_its_place_and_what_to_write(
    part: Any, message: str, next_step: str
) -> None:
    with pytest.raises(ModelRefused) as refused:
        own_recipe.load(text([SCALER, part]))
    assert message in refused.value.message
    assert (refused.value.next_step or "").startswith(next_step)


@pytest.mark.parametrize("river", ["", river_state.RIVER, river_state.RIVER.rpartition(".")[0]])
def test_a_recipe_for_this_river_is_taken(river: str) -> None:
    assert own_recipe.load(text(HOLT, river=river)).river == river


def test_a_changed_parameter_changes_the_digest() -> None:
    digests = {own_recipe.load(text(HOLT, lags=lags)).digest for lags in (3, 3, 4)}
    assert len(digests) == 2


@pytest.mark.parametrize("estimator", [TREES, SVM])
def test_a_detector_is_silent_during_its_baseline_and_scores_after_it(
    estimator: list[Part],
) -> None:
    made = layer(estimator, "DO", "pH")
    noise = np.random.default_rng(3)
    said = [made.take(steady(number, noise), UNDOUBTED) for number in range(200)]
    assert said[:90] == [None] * 90
    scores = [one.score for one in said[90:] if isinstance(one, UnitScore)]
    assert len(scores) == 110
    assert max(scores) < 5.0


def test_a_detector_names_the_signal_that_broke_ranks_and_does_not_learn_it() -> None:
    made = layer(NEIGHBOURS, "DO", "pH", suspect_at=2.0)
    trained(made)
    said = made.take(step(400, 40.0, 17.0), UNDOUBTED)
    assert isinstance(said, UnitScore)
    assert (said.suspect, said.learned) == (True, False)
    assert said.contributions[1] > 0.9
    assert "pH" in said.reason


def test_a_forecaster_scores_each_signal_against_its_forecast() -> None:
    made = layer(HOLT, "DO", "pH")
    trained(made)
    said = made.take(step(200, 40.0, 17.0), UNDOUBTED)
    assert isinstance(said, SignalScores)
    assert said.suspect.tolist() == [False, True]
    assert said.learned.tolist() == [True, False]
    assert said.expected[1] == pytest.approx(7.0, abs=0.5)
    assert said.score[1] > 5.0


def test_a_regressor_follows_a_signal_that_swings() -> None:
    made = layer([SCALER, {"model": "linear_model.LinearRegression"}], "DO", step_s=1)
    for number in range(600):
        said = made.take(step(number, float(np.sin(number / 10.0))), np.zeros(1, dtype=np.bool_))
    assert isinstance(said, SignalScores)
    assert abs(said.expected[0] - np.sin(59.9)) < 0.2


@pytest.mark.parametrize("estimator", [TREES, HOLT])
def test_a_signal_that_the_recipe_does_not_name_is_not_seen(estimator: list[Part]) -> None:
    made = layer(estimator, "DO", "pH", signals=["DO"])
    trained(made)
    said = made.take(step(200, np.nan, 1e6), UNDOUBTED)
    assert said is None or (isinstance(said, SignalScores) and np.isnan(said.score).all())


@pytest.mark.parametrize("estimator", [TREES, HOLT])
def test_what_is_doubted_or_unfit_is_judged_and_not_learnt(estimator: list[Part]) -> None:
    made = layer(estimator, "DO", "pH")
    noise = trained(made)
    for said in (
        made.take(steady(200, noise), np.ones(2, dtype=np.bool_)),
        made.take(step(201, 40.0, 7.0, fit=False), UNDOUBTED),
    ):
        assert said is not None
        assert np.isfinite(said.score).all()
        assert not np.any(said.learned)


@pytest.mark.parametrize("estimator", [TREES, HOLT])
def test_a_new_phase_starts_a_new_baseline(estimator: list[Part]) -> None:
    made = layer(estimator, "DO", "pH")
    assert isinstance(made, (OwnDetector, OwnSignals))
    noise = trained(made)
    said = made.take(step(200, 40.0, 7.0, context=Context(phase="feed")), UNDOUBTED)
    assert said is None or (isinstance(said, SignalScores) and np.isnan(said.score).all())
    assert np.max(made.rebaselines) == 1
    for number in range(201, 320):
        said = made.take(steady(number, noise), UNDOUBTED)
    assert said is not None


def test_a_lasting_change_starts_a_new_baseline() -> None:
    made = layer(HOLT, "DO", "pH")
    assert isinstance(made, OwnSignals)
    noise = trained(made)
    for number in range(200, 400):
        after = steady(number, noise)
        said = made.take(step(number, after.value[0] + 100.0, after.value[1]), UNDOUBTED)
    assert made.rebaselines.tolist() == [1, 0]
    assert isinstance(said, SignalScores)
    assert not said.suspect.any()


def test_a_frozen_detector_learns_nothing_after_its_baseline() -> None:
    made = layer(TREES, "DO", "pH", learning="frozen")
    noise = trained(made)
    before = made.state()["model"]["told"].tobytes()
    said = made.take(steady(200, noise), UNDOUBTED)
    assert isinstance(said, UnitScore)
    assert not said.learned
    assert made.state()["model"]["told"].tobytes() == before


def test_the_state_of_another_river_is_refused_with_the_reason() -> None:
    made = layer(TREES, "DO", "pH")
    state = made.state()
    state["model"]["river"] = "0.20.0"
    with pytest.raises(SnapshotRefused, match=r"kept by River 0.20.0, and this is River"):
        made.take_up(state)


def test_a_state_that_was_pickled_is_refused_unread() -> None:
    made = layer(TREES, "DO", "pH")
    state = {**made.state(), "model": {"river": river_state.RIVER, "models": np.zeros(3, dtype=np.uint8)}}
    with pytest.raises(SnapshotRefused, match="no longer read"):
        made.take_up(state)


def test_a_recipe_that_could_not_be_kept_is_refused_before_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    build = own_recipe.Part.build

    def with_a_file(part: own_recipe.Part) -> Any:
        made = build(part)
        made.log = sys.stdout
        return made

    monkeypatch.setattr(own_recipe.Part, "build", with_a_file)
    with pytest.raises(
        ModelRefused, match=r"could not be kept through a restart: a state cannot hold .*File"
    ):
        own_recipe.load(text(SVM))


def test_a_panic_of_river_s_compiled_parts_is_an_error_that_can_be_caught() -> None:
    window = stats.RollingQuantile(0.5, 3)
    window.update(1.0)
    with pytest.raises(RuntimeError, match="River gave up: Value is NaN"), panics_as_errors():
        window.update(float("nan"))
