"""Recipes: data that names River models, known by a digest."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml
from river import anomaly, time_series

from agents.models.recipe import load, shipped


def text(**changes: object) -> str:
    """The shipped recipes with fields of the forecast changed."""
    recipes = shipped().model_dump(mode="json")
    recipes["forecast"] |= changes
    return yaml.safe_dump(recipes)


def test_a_recipe_builds_the_river_models_it_names() -> None:
    recipes = shipped()
    assert type(recipes.anomaly.predictor.build()) is time_series.HoltWinters
    assert type(recipes.anomaly.residual.build()) is anomaly.GaussianScorer
    assert type(recipes.forecast.predictor.build()) is time_series.HoltWinters
    assert recipes.anomaly.predictor.build() is not recipes.anomaly.predictor.build()


def test_the_digest_is_the_sha256_of_the_canonical_form() -> None:
    recipe = shipped().forecast
    canonical = json.dumps(recipe.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    assert recipe.digest == hashlib.sha256(canonical.encode()).hexdigest()
    assert recipe.ref.digest == recipe.digest
    assert recipe.ref.name == "holt-winters"


def test_the_digest_changes_with_any_parameter_and_not_with_the_order_they_are_written_in() -> None:
    same = yaml.safe_dump(yaml.safe_load(text()), sort_keys=False)
    assert load(same).forecast.digest == shipped().forecast.digest
    other = load(text(coverage=0.95)).forecast.digest
    assert other != shipped().forecast.digest


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"predictor": {"model": "Popen", "parameters": {}}}, "not among the models"),
        ({"horizons_s": [65]}, "multiple of step_s"),
        ({"horizons_s": [300, 60]}, "rising order"),
        ({"horizons_s": []}, "horizons_s"),
        ({"coverage": 1.0}, "coverage"),
        ({"step_s": 7, "horizons_s": [70]}, "multiple of the anomaly"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_is_wrong(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(text(**change))
