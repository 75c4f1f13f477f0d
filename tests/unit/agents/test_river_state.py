"""Whatever River has is kept as data and goes on bit by bit; what cannot be is refused with the reason."""

from __future__ import annotations

import inspect
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from river import (
    anomaly,
    base,
    cluster,
    compose,
    covariance,
    drift,
    dummy,
    ensemble,
    feature_extraction,
    feature_selection,
    forest,
    linear_model,
    model_selection,
    neighbors,
    optim,
    preprocessing,
    proba,
    rules,
    sketch,
    stats,
    time_series,
    tree,
)

from agents.models import river_state
from agents.models.river_state import model_of, state_of
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

MODULES = (
    *(anomaly, cluster, compose, covariance, drift, dummy, ensemble, feature_extraction, feature_selection),
    *(forest, linear_model, model_selection, neighbors, preprocessing, proba, rules, sketch, stats),
    *(time_series, tree),
)

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "anomaly.PredictiveAnomalyDetection": {"warmup_period": 10},
    "compose.Prefixer": {"prefix": "a_"},
    "compose.Renamer": {"mapping": {"a": "c"}},
    "compose.Suffixer": {"suffix": "_a"},
    "feature_selection.PoissonInclusion": {"p": 0.5},
    "optim.Averager": {"optimizer": optim.SGD()},
    "preprocessing.TargetMinMaxScaler": {"regressor": linear_model.LinearRegression()},
    "preprocessing.TargetStandardScaler": {"regressor": linear_model.LinearRegression()},
    "stats.AutoCorr": {"lag": 2},
    "stats.BayesianMean": {"prior": 0.0, "prior_weight": 2.0},
    "stats.RollingQuantile": {"q": 0.5, "window_size": 10},
    **{
        f"stats.Rolling{name}": {"window_size": 10}
        for name in ("AbsMax", "IQR", "Max", "Min", "Mode", "PeakToPeak")
    },
}
"""Of those that cannot be made without, or are never made of their own test parameters."""

NOT_OF_NUMBERS = {
    "cluster.ODAC",  # asks to be drawn
    "cluster.TextClust",
    "compose.FuncTransformer",
    "compose.Grouper",
    "compose.Pipeline",  # an empty one
    "compose.TargetTransformRegressor",
    "ensemble.VotingClassifier",
    "feature_extraction.Agg",
    "feature_extraction.BagOfWords",
    "feature_extraction.TFIDF",
    "feature_extraction.TargetAgg",
    "model_selection.SuccessiveHalvingClassifier",
    "neighbors.SWINN",  # part of other models
    "preprocessing.GapEncoder",
    "stats.Link",
    "time_series.HorizonAggMetric",
    "time_series.HorizonMetric",
    "tree.ISOUPTreeRegressor",
}
"""Of words, of functions, of other targets: a recipe has no use for them."""

NEVER_THE_SAME = {
    "cluster.STREAMKMeans",  # these draw without a seed, or do so within, whatever seed they are given
    "ensemble.SRPClassifier",
    "forest.ARFClassifier",
    "stats.KolmogorovSmirnov",
    "feature_extraction.RandomTreesEmbedding",  # knows its trees by where they lie in memory
}
"""Not even a copy that River makes of them goes on as they do."""

TOO_LARGE = {"sketch.Set"}

PIPELINES: Mapping[str, Callable[[], Any]] = {
    "scaler | trees": lambda: preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(height=5, seed=1),
    "scaler | support vectors": lambda: preprocessing.StandardScaler() | anomaly.OneClassSVM(),
    "filter of trees": lambda: anomaly.QuantileFilter(anomaly.HalfSpaceTrees(height=5, seed=1), q=0.9),
    "union | regression": lambda: (
        (preprocessing.StandardScaler() + preprocessing.MinMaxScaler()) | linear_model.LinearRegression()
    ),
    "season of a regression": lambda: time_series.SNARIMAX(
        *(2, 1, 2, 7, 1, 0, 1), regressor=preprocessing.StandardScaler() | linear_model.LinearRegression()
    ),
    "scaler by window | neighbours": lambda: (
        preprocessing.StandardScaler(window_size=20) | anomaly.LocalOutlierFactor(5)
    ),
    "forecast | anomaly": lambda: anomaly.PredictiveAnomalyDetection(time_series.SNARIMAX(2, 0, 0)),
    "drift | forest": lambda: forest.ARFRegressor(3, seed=1, drift_detector=drift.PageHinkley(delta=0.01)),
}


def exported(module: ModuleType) -> dict[str, type[Any]]:
    room = module.__name__.removeprefix("river.")
    every = {name: getattr(module, name, None) for name in module.__all__}
    return {
        f"{room}.{name}": kind
        for name, kind in every.items()
        if inspect.isclass(kind) and issubclass(kind, base.Base) and not inspect.isabstract(kind)
    }


BY_NAME: tuple[type[Any], ...] = (*exported(covariance).values(), proba.MultivariateGaussian)
YES_OR_NO: tuple[type[Any], ...] = (proba.Beta, base.BinaryDriftDetector)
OPTIMIZERS = exported(optim)
ESTIMATORS = {name: kind for module in MODULES for name, kind in exported(module).items()}


def made(name: str) -> Any:
    kind = {**ESTIMATORS, **OPTIMIZERS}[name]
    chance = {"seed": 1} if "seed" in inspect.signature(kind).parameters else {}
    try:
        return kind(**PARAMETERS.get(name, {}), **chance)
    except TypeError:
        return kind(**{**next(iter(kind._unit_test_params())), **chance})


def fed(model: Any, values: np.random.Generator, steps: int) -> list[str]:
    """What it answers to values that go on, to the last digit."""
    return [repr(_asked(model, *values.standard_normal(3).tolist())) for _ in range(steps)]


def _asked(model: Any, first: float, second: float, noise: float) -> Any:
    x, y = {"a": first, "b": 3.0 * second}, 2.0 * first + noise
    last = model
    while isinstance(last, compose.Pipeline):
        last = last._last_step
    if isinstance(last, time_series.base.Forecaster):
        model.learn_one(y)
        with suppress(IndexError):  # what HoltWinters raises before it has begun
            return model.forecast(2)
        return None
    if hasattr(model, "update"):
        return _updated(model, x, y)
    target = y > 0.0 if isinstance(last, base.Classifier) else y
    ask = next(ask for ask in ("score_one", "predict_one", "transform_one") if hasattr(last, ask))
    said = getattr(model, ask)(*((x, y) if isinstance(last, base.SupervisedAnomalyDetector) else (x,)))
    model.learn_one(*((x, target) if last._supervised else (x,)))
    return said


def _updated(model: Any, x: dict[str, float], y: float) -> Any:
    if isinstance(model, stats.base.Bivariate):
        model.update(x["a"], y)
    elif isinstance(model, BY_NAME):
        model.update(x)
    elif isinstance(model, sketch.NUnique):
        model.update(repr(y))
    else:
        model.update(y > 0.0 if isinstance(model, YES_OR_NO) else y)
    return model.get() if hasattr(model, "get") else getattr(model, "drift_detected", None)


def goes_on(model: Any) -> bool:
    """Whether a model that was kept says what it would have said without, and then knows the same."""
    values = np.random.default_rng(1)
    fed(model, values, 60)
    kept = model_of(unpack(pack(state_of(model), b"key"), b"key"))
    rest = values.bit_generator.state
    said = fed(model, values, 30)
    values.bit_generator.state = rest
    return said == fed(kept, values, 30) and told(model) == told(kept)


def told(model: Any) -> bytes:
    state: bytes = state_of(model)["told"].tobytes()
    return state


@pytest.mark.parametrize("name", sorted({*ESTIMATORS} - NOT_OF_NUMBERS - NEVER_THE_SAME - TOO_LARGE))
def test_what_river_exports_goes_on_bit_by_bit(name: str) -> None:
    assert goes_on(made(name))


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_and_models_of_models_go_on_bit_by_bit(name: str) -> None:
    assert goes_on(PIPELINES[name]())


@pytest.mark.parametrize("name", sorted({*OPTIMIZERS} - {"optim.Optimizer"}))
def test_a_regression_goes_on_with_whatever_optimizer(name: str) -> None:
    assert goes_on(linear_model.LinearRegression(optimizer=made(name)))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**20_000, "limit"),
        (lambda: 0, "neither River's"),
        (open, "neither River's"),
        (object(), "neither River's"),
        (np.array(["a"]), "array of <U1"),
        (time_series.HoltWinters, None),
        ([1, (2.5, float("nan")), {3: {4}}, 2**70, np.float32(1), "a", b"b", None, True], None),
    ],
    ids=["large numbers", "lambda", "file", "object", "texts", "class", "plain values"],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(value: object, why: str | None) -> None:
    if why is None:
        assert repr(model_of(state_of(value))) == repr(value)
    else:
        with pytest.raises(TypeError, match=f"a state cannot hold.*{why}"):
            state_of(value)


def test_what_is_shared_stays_shared_and_what_holds_itself_does() -> None:
    shared = np.ones((2, 3), order="F")
    ring: list[Any] = [shared, {"same": shared}]
    ring.append(ring)
    kept = model_of(state_of(ring))
    assert kept[2] is kept
    assert kept[0] is kept[1]["same"]
    assert kept[0].flags.f_contiguous


def test_a_model_may_be_as_deep_as_it_likes() -> None:
    chain: list[Any] = []
    for _ in range(5000):
        chain = [chain]
    kept = model_of(state_of(chain))
    for _ in range(5000):
        (kept,) = kept
    assert kept == []


@pytest.mark.parametrize("chance", [np.random.RandomState(3), np.random.default_rng(3)])
def test_chance_goes_on_where_it_stood(chance: Any) -> None:
    chance.normal(size=5)
    kept = model_of(state_of(chance))
    assert kept.normal(size=5).tolist() == chance.normal(size=5).tolist()


def table(*entries: object) -> dict[str, Any]:
    body = zlib.compress(orjson.dumps([["at", 0], *entries]))
    return {"river": river_state.RIVER, "told": np.frombuffer(body, dtype=np.uint8)}


def thing(kind: str, *arguments: object, called: bool = True, state: object = None) -> list[Any]:
    return ["object", kind, called, list(arguments), state, [], []]


FORGED: Mapping[str, tuple[object, ...]] = {
    "a function of the system": (thing("os:system", "true"),),
    "eval": (thing("builtins:eval", "1"),),
    "a module that River imports": (thing("river.base.base:inspect.getsource", "x"),),
    "a class of another that River imports": (thing("river.anomaly.hst:collections.UserDict"),),
    "a part that opens files": (thing("river.datasets:Bananas"),),
    "files of a part": (thing("river.bandit.datasets.news:NewsArticles"),),
    "globals of a function": (["named", "river.stats:Mean.update.__globals__"],),
    "a method between two lines": (["method", ["at", 1], "__reduce_ex__"], thing("river.stats:Mean")),
    "a function in place of a class": (thing("numpy:zeros", 10**12),),
    "no method": (["method", ["at", 1], "nothing"], thing("river.stats:Mean")),
    "another class for an object": (
        thing(
            "river.stats.mean:Mean",
            called=False,
            state=["dict", "__class__", ["named", "river.stats.sum:Sum"]],
        ),
    ),
    "nothing of River's": (thing("river.utils:no_such_thing"),),
    "arguments that do not fit": (thing("river.stats.mean:Mean", 1, 2, 3),),
    "a place that is not there": (["list", ["at", 7]],),
    "a word that is not known": (["call", "x"],),
    "an array that is cut": (["array", "<f8", [3], "AAAA", False],),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_state_makes_nothing(how: str) -> None:
    with pytest.raises(SnapshotRefused, match="cannot be read"):
        model_of(table(*FORGED[how]))


def test_a_torn_state_is_refused() -> None:
    state = state_of(anomaly.HalfSpaceTrees(seed=1))
    for length in (0, 1, 100, len(state["told"]) - 1):
        with pytest.raises(SnapshotRefused, match="cannot be read"):
            model_of({**state, "told": state["told"][:length]})


def test_a_state_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(river_state, "MOST_BYTES", 1000)
    with pytest.raises(SnapshotRefused, match="cannot be read"):
        model_of(state_of(["a" * 2000]))


def test_a_state_of_another_river_is_refused_and_both_are_named() -> None:
    state = {**state_of(stats.Mean()), "river": "0.20.0"}
    with pytest.raises(
        SnapshotRefused, match=rf"kept by River 0\.20\.0, and this is River {river_state.RIVER}"
    ):
        model_of(state)


@pytest.mark.parametrize("old", [{"river": river_state.RIVER, "models": np.zeros(3)}, [], None])
def test_a_pickled_state_of_before_is_refused_unread(old: object) -> None:
    with pytest.raises(SnapshotRefused, match="of a form that is no longer read"):
        model_of(old)
