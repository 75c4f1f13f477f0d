"""The signal dictionary is data, and every entry is complete."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.signals import DICTIONARY, LARGEST_VESSEL_L, SignalSpec, limits, load, spec
from schemas.units import KNOWN

ENTRY = """
{name}:
  title: level of slime
  unit: cm
  signal_class: process
  reading: continuous
  sampling_s: 1
  plausible: [{low}, {high}]
  max_rate_per_min: null
  frozen_after_s: null
  stale_after_s: 60
  noise: 0.1
  source: "rule of practice"
"""
SLIME = ENTRY.format(name="slime", low=0, high=50)

SMALLEST_VESSEL_L = 0.001
MICROBES = ("bacterial", "yeast", "fungal")


def slime(line: str) -> SignalSpec:
    """The entry with one more line."""
    return load(f"{SLIME}  {line}\n")["slime"]


@pytest.mark.parametrize("name", DICTIONARY)
def test_every_signal_says_where_its_range_and_rate_come_from(name: str) -> None:
    source = DICTIONARY[name].source
    if source.startswith("As "):
        assert source.split()[1].strip(".,") in DICTIONARY
    else:
        assert "Range: " in source
        assert "Rate: " in source
        assert "Noise: " in source


@pytest.mark.parametrize("name", DICTIONARY)
def test_every_canonical_unit_is_known_without_loading_the_grammar(name: str) -> None:
    assert DICTIONARY[name].unit in KNOWN


@pytest.mark.parametrize("name", DICTIONARY)
def test_noise_is_small_against_the_plausible_range(name: str) -> None:
    low, high = DICTIONARY[name].plausible
    assert DICTIONARY[name].noise < (high - low) / 100


def test_the_signals_of_a_real_plant_are_declared() -> None:
    assert {
        *(
            "pH",
            "pH_2",
            "DO",
            "DO_2",
            "temperature",
            "temperature_2",
            "pressure",
            "OD",
            "capacitance",
            "foam",
        ),
        *("conductivity", "redox", "dissolved_CO2", "ambient_temperature"),
        *("gas_flow", "air_flow", "O2_flow", "N2_flow", "CO2_flow", "offgas_flow", "offgas_O2", "offgas_CO2"),
        *("weight", "volume", "feed_rate", "feed_total", "precursor_rate", "precursor_total", "base_rate"),
        *("base_total", "acid_rate", "acid_total", "antifoam_rate", "antifoam_total"),
        *("agitation", "torque", "power", "jacket_inlet_temperature", "jacket_outlet_temperature"),
        *("jacket_flow", "heater_power", "cooling_valve", "gas_valve", "exhaust_valve"),
        *("feed_pump", "base_pump", "acid_pump", "antifoam_pump"),
        *("pH_setpoint", "DO_setpoint", "temperature_setpoint", "agitation_setpoint", "gas_flow_setpoint"),
        *("feed_rate_setpoint", "pressure_setpoint", "OTR", "CTR", "OUR", "CER", "RQ"),
        *("biomass", "viable_cells", "viability", "glucose", "lactate", "acetate", "ethanol", "glycerol"),
        *("product", "glutamine", "ammonium", "precursor", "osmolality"),
    } == DICTIONARY.keys()


def test_a_signal_is_found_by_its_name() -> None:
    found = spec("DO")
    assert isinstance(found, SignalSpec)
    assert (found.name, found.unit, found.plausible) == ("DO", "%", (0.0, 200.0))


def test_a_signal_outside_the_dictionary_has_no_entry() -> None:
    assert spec("slime") is None
    assert limits("slime") is None


def test_one_entry_declares_a_signal() -> None:
    assert load(SLIME)["slime"].plausible == (0.0, 50.0)


def test_the_dictionary_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        DICTIONARY["DO"] = DICTIONARY["pH"]  # type: ignore[index]  # the mapping is read-only; that is the test


@pytest.mark.parametrize("name", DICTIONARY)
def test_a_set_point_is_measured_like_what_it_sets(name: str) -> None:
    if DICTIONARY[name].signal_class == "setpoint":
        value = DICTIONARY[name.removesuffix("_setpoint")]
        mine = DICTIONARY[name]
        assert (mine.unit, mine.plausible, mine.per_litre) == (value.unit, value.plausible, value.per_litre)


@pytest.mark.parametrize("name", DICTIONARY)
def test_only_what_is_sampled_again_and_again_can_stand_still_or_jump(name: str) -> None:
    signal = DICTIONARY[name]
    if signal.reading != "continuous":
        assert signal.frozen_after_s is None
        assert signal.max_rate_per_min is None
    if signal.reading in {"held", "assay"}:
        assert signal.stale_after_s is None
    assert (signal.reading == "assay") == (signal.signal_class == "offline")


@pytest.mark.parametrize("name", [name for name, signal in DICTIONARY.items() if signal.per_litre])
def test_what_grows_with_the_vessel_is_plausible_in_a_vessel_of_any_size(name: str) -> None:
    signal = DICTIONARY[name]
    for working_volume_l in (SMALLEST_VESSEL_L, 2.0, 200.0, LARGEST_VESSEL_L):
        low, high = signal.plausible_in(working_volume_l)
        assert signal.plausible[0] <= low < high <= signal.plausible[1]


def test_what_does_not_grow_with_the_vessel_is_as_plausible_in_any() -> None:
    assert DICTIONARY["pH"].plausible_in(0.01) == DICTIONARY["pH"].plausible == (2.0, 12.0)
    assert DICTIONARY["gas_flow"].plausible_in(2.0) == (0.0, 8.0)


def test_no_limit_stands_where_only_the_plant_can_know_it() -> None:
    for name in ("volume", "weight", "feed_rate", "foam"):
        assert DICTIONARY[name].limits == ()


def test_limits_are_those_of_the_culture_and_the_phase() -> None:
    for culture, low, high in (
        ("bacterial", 6.6, 7.4),
        ("yeast", 4.6, 5.4),
        ("mammalian", 6.8, 7.2),
        ("fungal", 6.2, 6.8),
    ):
        found = limits("pH", "feed", culture)  # type: ignore[arg-type]  # a loop over literals is of text
        assert found is not None
        assert (found.low, found.high) == (low, high)
        assert limits("pH", culture=culture) == found  # type: ignore[arg-type]  # as above
    growing, expressing = (
        limits("temperature", "feed", "bacterial"),
        limits("temperature", "induction", "bacterial"),
    )
    assert growing is not None
    assert expressing is not None
    assert (growing.low, growing.high, growing.high_high) == (35, 39, 42)
    assert (expressing.low, expressing.high_high) == (17, 42)
    assert {these.low for one in MICROBES if (these := limits("DO", culture=one))} == {20}  # type: ignore[arg-type]  # as above


def test_where_the_phase_is_not_known_bacteria_may_be_as_cold_as_they_are_made_to_express() -> None:
    for signal in ("temperature", "temperature_2"):
        found = limits(signal, culture="bacterial")
        assert found is not None
        assert found.low is not None
        assert 22 < found.low < 25


def test_cells_may_be_cooled_in_their_feed_but_not_while_they_grow() -> None:
    lows = {phase: limits("temperature", phase, "mammalian") for phase in ("batch", "feed", "induction")}
    assert {phase: found.low for phase, found in lows.items() if found} == {
        "batch": 36.3,
        "feed": 31,
        "induction": 31,
    }


def test_the_probe_of_the_upper_zone_has_no_limits_of_dissolved_oxygen() -> None:
    assert DICTIONARY["DO_2"].limits == ()


def test_where_nothing_is_known_only_limits_without_restriction_hold() -> None:
    assert limits("pH") is None
    assert limits("temperature", "feed") is None
    steel = limits("pressure")
    assert steel is not None
    assert steel.high == 2.3
    assert limits("pressure", "feed", "yeast") == limits("pressure", vessel="steel") == steel
    glass = limits("pressure", vessel="glass")
    assert glass is not None
    assert glass.high == 1.4


def test_the_first_entry_that_fits_wins() -> None:
    found = slime(
        "limits: [{phases: [feed, harvest], low: 1, source: s}, "
        "{cultures: [yeast], low: 2, source: s}, {low: 3, source: s}]"
    )
    assert [these.covers(("feed",), ("yeast",), None) for these in found.limits] == [True, True, True]
    assert [these.covers(None, ("yeast",), None) for these in found.limits] == [False, True, True]
    assert [these.covers(None, None, None) for these in found.limits] == [False, False, True]


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        (ENTRY.format(name="slime", low=50, high=0), "not below"),
        (SLIME.replace("noise", "nose"), "nose"),
        (SLIME.replace("  stale_after_s: 60\n", ""), "stale_after_s"),
        (SLIME.replace("process", "slimy"), "signal_class"),
        (SLIME.replace("continuous", "assay"), "sampling_s"),
        (SLIME.replace("sampling_s: 1", "sampling_s: null"), "sampling_s"),
        (
            SLIME.replace("frozen_after_s: null", "frozen_after_s: 60").replace("continuous", "held"),
            "held reading",
        ),
        (SLIME + "  per_litre: [0, 1]\n", "100000 L would reach from 0 to 100000"),
        (SLIME + "  per_litre: [1, 0]\n", "per_litre"),
        (SLIME + "  limits: [{low: 9, high: 8, source: s}]\n", "9.0 is not below 8.0"),
        (SLIME + "  limits: [{high: 50, source: s}]\n", "not inside plausible"),
        (SLIME + "  limits: [{source: s}]\n", "none is given"),
        (SLIME + "  limits: [{low: 1}]\n", "source"),
        (SLIME + "  limits: [{phases: [lunch], low: 1, source: s}]\n", "phases"),
        (SLIME + "  limits: [{cultures: [], low: 1, source: s}]\n", "cultures"),
        (SLIME + "  limits: [{low: 1, source: s}, {phases: [feed], low: 2, source: s}]\n", "never reached"),
        (SLIME + "  ne107: {frozen: X}\n", "frozen"),
        (SLIME + "  ne107: {melted: F}\n", "melted"),
        (ENTRY.format(name="slime/1", low=0, high=50), "name"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(entry: str, wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        load(entry)
