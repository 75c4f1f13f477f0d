"""Recipes: data that names River models, known by a digest."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml
from river import anomaly, time_series

from agents.context import NO_BATCH
from agents.models import residual
from agents.models.contenders import SHIPPED, read
from agents.models.forecasting import recipe as forecasting
from agents.models.forecasting.recipe import ForecastingRecipe
from agents.models.lineup import everywhere
from agents.models.recipe import RiverModel


def changed(**fields: object) -> ForecastingRecipe:
    """The shipped forecasts with other parameters."""
    return ForecastingRecipe.model_validate(forecasting.shipped().model_dump() | fields)


def test_a_recipe_builds_the_river_models_it_names() -> None:
    predictor = residual.shipped().predictor
    assert type(predictor.build()) is time_series.HoltWinters
    assert predictor.build() is not predictor.build()
    scorer = RiverModel(model="GaussianScorer", parameters={"window_size": 9})
    assert type(scorer.build()) is anomaly.GaussianScorer


def test_the_digest_is_the_sha256_of_the_canonical_form() -> None:
    recipe = residual.shipped()
    canonical = json.dumps(recipe.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    assert recipe.digest == hashlib.sha256(canonical.encode()).hexdigest()
    assert recipe.ref.digest == recipe.digest
    assert recipe.ref.name == recipe.name


def test_the_digest_changes_with_any_parameter_and_not_with_the_order_they_are_written_in() -> None:
    recipe = forecasting.shipped()
    backwards = dict(reversed(yaml.safe_load(SHIPPED["forecast"].text()).items()))
    assert ForecastingRecipe.model_validate(backwards).digest == recipe.digest
    assert changed(coverage=0.95).digest != recipe.digest


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"river": {"model": "Popen", "parameters": {}}}, "not among the models"),
        ({"horizons_s": [65]}, "multiple of step_s"),
        ({"horizons_s": [300, 60]}, "rising order"),
        ({"horizons_s": []}, "horizons_s"),
        ({"coverage": 1.0}, "coverage"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_is_wrong(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        changed(**change)


def test_the_models_that_come_with_sparge_are_the_same_with_a_registry_and_without() -> None:
    with_registry = {layer: read(shipped.text(), layer)[1].digest for layer, shipped in SHIPPED.items()}
    without = {choice.kind: choice.recipe.digest for choice in everywhere(NO_BATCH).choices}
    assert with_registry == without
