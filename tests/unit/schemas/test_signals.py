"""The signal dictionary is data, and every entry is complete."""

import pytest
from pydantic import ValidationError

from schemas.signals import DICTIONARY, SignalSpec, load, spec
from schemas.units import KNOWN

ENTRY = """
{name}:
  title: level of foam
  unit: cm
  plausible: [{low}, {high}]
  max_rate_per_min: null
  frozen_after_s: null
  stale_after_s: 60
  noise: 0.1
  source: "rule of practice"
"""


@pytest.mark.parametrize("name", DICTIONARY)
def test_every_signal_says_where_its_range_and_rate_come_from(name: str) -> None:
    source = DICTIONARY[name].source
    assert source.startswith("As ") or ("Range: " in source and "Rate: " in source and "Noise: " in source)


@pytest.mark.parametrize("name", DICTIONARY)
def test_every_canonical_unit_is_known_without_loading_the_grammar(name: str) -> None:
    assert DICTIONARY[name].unit in KNOWN


@pytest.mark.parametrize("name", DICTIONARY)
def test_noise_is_small_against_the_plausible_range(name: str) -> None:
    low, high = DICTIONARY[name].plausible
    assert DICTIONARY[name].noise < (high - low) / 100


def test_the_signals_of_a_first_bioreactor_are_declared() -> None:
    assert {
        *("pH", "DO", "temperature", "agitation", "gas_flow", "weight", "volume", "feed_rate", "base_rate"),
        *("OTR", "CTR", "RQ", "offgas_O2", "offgas_CO2", "pressure", "OD"),
    } <= DICTIONARY.keys()


def test_a_signal_is_found_by_its_name() -> None:
    found = spec("DO")
    assert isinstance(found, SignalSpec)
    assert (found.name, found.unit, found.plausible) == ("DO", "%", (0.0, 200.0))


def test_a_signal_outside_the_dictionary_has_no_entry() -> None:
    assert spec("foam") is None


def test_one_entry_declares_a_signal() -> None:
    assert load(ENTRY.format(name="foam", low=0, high=50))["foam"].plausible == (0.0, 50.0)


def test_the_dictionary_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        DICTIONARY["DO"] = DICTIONARY["pH"]  # type: ignore[index]  # the mapping is read-only; that is the test


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        (ENTRY.format(name="foam", low=50, high=0), "not below"),
        (ENTRY.format(name="foam", low=0, high=50).replace("noise", "nose"), "nose"),
        (ENTRY.format(name="foam", low=0, high=50).replace("  stale_after_s: 60\n", ""), "stale_after_s"),
        (ENTRY.format(name="foam/1", low=0, high=50), "name"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(entry: str, wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        load(entry)
