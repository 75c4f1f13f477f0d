"""The words of batch events: what people write, and what rules make of it."""

from __future__ import annotations

import pytest

from agents.batch_words import culture_of, stage_of, vessel_of
from simulator.organisms.organism import organism


@pytest.mark.parametrize(
    ("written", "culture"),
    [
        ("E. coli BL21(DE3)", "bacterial"),
        ("escherichia COLI", "bacterial"),
        ("Bacillus subtilis 168", "bacterial"),
        ("S. cerevisiae CEN.PK", "yeast"),
        ("Komagataella phaffii", "yeast"),
        ("CHO-K1", "mammalian"),
        ("HEK293T", "mammalian"),
        ("Trichoderma reesei", "fungal"),
        ("strain X17", None),
        ("", None),
        (None, None),
    ],
)
def test_an_organism_is_known_by_its_name_or_strain(written: str | None, culture: str | None) -> None:
    assert culture_of(written) == culture


@pytest.mark.parametrize("name", ["e_coli", "s_cerevisiae", "cho", "p_chrysogenum"])
def test_every_simulated_organism_is_known_by_its_title(name: str) -> None:
    assert culture_of(organism(name).title) == organism(name).culture


@pytest.mark.parametrize(
    ("written", "stage"),
    [
        ("inoculation", "inoculation"),
        ("Batch", "batch"),
        ("fed-batch", "feed"),
        ("feed2", "feed"),
        ("pre-induction", "feed"),
        ("induction at 30 C", "induction"),
        ("harvest", "harvest"),
        ("CIP", "service"),
        ("steam sterilisation", "service"),
        ("phase 3", None),
        ("", None),
        (None, None),
    ],
)
def test_a_phase_is_known_whatever_a_plant_calls_it(written: str | None, stage: str | None) -> None:
    assert stage_of(written) == stage


@pytest.mark.parametrize("written", ["chondrus", "feedback", "anaerobic", "Kolibri"])
def test_a_word_within_a_word_means_nothing(written: str) -> None:
    assert (culture_of(written), stage_of(written)) == (None, None)


def test_only_a_small_vessel_is_known_to_be_of_glass() -> None:
    assert [vessel_of(litres) for litres in (0.25, 5.0, 10.0, 200.0, None)] == [
        "glass",
        "glass",
        None,
        None,
        None,
    ]
