"""Recipes are complete, ordered, and name only what exists."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from schemas.errors import SettingsError
from schemas.signals import DICTIONARY
from simulator.organisms.organism import organism
from simulator.recipes.recipe import PHASES, parse_recipe, recipe, recipe_names
from simulator.sampling.assay import assays


def without_feed() -> dict[str, Any]:
    return recipe("e_coli").model_dump(mode="json", exclude_none=True)


def refused(given: dict[str, Any]) -> str:
    with pytest.raises(SettingsError, match="not a recipe") as refusal:
        parse_recipe(yaml.safe_dump(given), place="mine.yaml")
    return refusal.value.detail


def test_there_is_a_recipe_for_each_organism() -> None:
    assert recipe_names() == ("cho", "e_coli", "p_chrysogenum", "s_cerevisiae")


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_names_an_organism_signals_and_assays_that_exist(name: str) -> None:
    it = recipe(name)
    assert it.organism == name
    assert it.culture == organism(it.organism).culture
    assert {end.signal for phase in it.phases for end in phase.ends} - {None} <= DICTIONARY.keys()
    assert {
        assay for phase in it.phases if phase.samples for assay in phase.samples.assays
    } <= assays().keys()


@pytest.mark.parametrize("name", recipe_names())
def test_a_process_goes_from_inoculation_to_harvest(name: str) -> None:
    phases = [phase.name for phase in recipe(name).phases]
    assert phases == [phase for phase in PHASES if phase in phases]
    assert (phases[0], phases[-1]) == ("inoculation", "harvest")


@pytest.mark.parametrize("name", recipe_names())
def test_a_written_recipe_reads_as_the_same(name: str) -> None:
    it = recipe(name)
    assert parse_recipe(yaml.safe_dump(it.model_dump(mode="json")), place="mine.yaml") == it


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"no recipe 'beer'.*e_coli"):
        recipe("beer")


def test_a_word_that_a_recipe_does_not_know_is_refused() -> None:
    given = without_feed()
    given["medium"]["glucose"] = 15.0
    assert "a medium has no glucose" in refused(given)
    assert "Extra inputs" in refused({**without_feed(), "colour": "brown"})


def test_phases_out_of_order_are_refused() -> None:
    given = without_feed()
    given["phases"].reverse()
    assert "phases stand in the order" in refused(given)


def test_a_phase_that_only_a_probe_can_end_is_refused() -> None:
    given = without_feed()
    given["phases"][1]["ends"] = [{"signal": "DO", "above": 60.0}]
    assert "needs an ending after_h" in refused(given)


def test_an_ending_that_is_two_things_is_refused() -> None:
    given = without_feed()
    given["phases"][1]["ends"] = [{"signal": "DO", "above": 60.0, "after_h": 3.0}]
    assert "an ending is after_h, or a signal with one bound" in refused(given)


def test_a_first_phase_that_leaves_a_set_point_open_is_refused() -> None:
    given = without_feed()
    del given["phases"][0]["set"]["ph"]
    assert "misses ph" in refused(given)


@pytest.mark.parametrize(
    ("feed", "missing"),
    [({"profile": "exponential"}, "most_g_l_h"), ({"profile": "do_stat", "g_l_h": 5.0}, "above")],
)
def test_a_feed_without_what_it_needs_is_refused(feed: dict[str, Any], missing: str) -> None:
    given = without_feed()
    given["phases"][2]["feed"] = feed
    assert f"needs {missing}" in refused(given)
