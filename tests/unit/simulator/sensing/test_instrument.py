"""The instruments are data: complete, declared in the dictionary, and in its units."""

from __future__ import annotations

import pytest

from schemas.errors import SettingsError
from schemas.signals import DICTIONARY
from simulator.sensing.instrument import instrument, instruments, load


def test_every_online_signal_of_a_plant_has_an_instrument_and_nothing_else_has() -> None:
    online = {
        name
        for name, declared in DICTIONARY.items()
        if declared.reading != "assay" and declared.signal_class not in ("derived", "offline")
    }
    # Biomass by soft sensor is the models' business, not an instrument's.
    assert online - {"biomass"} == set(instruments())


@pytest.mark.parametrize("name", sorted(instruments()))
def test_an_instrument_reads_in_the_unit_of_the_dictionary(name: str) -> None:
    assert instrument(name).unit == DICTIONARY[name].unit


@pytest.mark.parametrize("name", sorted(instruments()))
def test_a_noise_is_told_in_decimals_that_show_it(name: str) -> None:
    made = instrument(name)
    if made.noise > 0.0:
        assert made.resolution <= made.noise


@pytest.mark.parametrize("name", sorted(instruments()))
def test_a_gross_error_stands_out_of_noise_and_calibration(name: str) -> None:
    made = instrument(name)
    assert made.gross_error >= 8.0 * (made.noise + made.wander)
    assert made.gross_error >= 4.0 * made.offset_sd


def test_signals_of_one_device_share_its_slope_error() -> None:
    assert instrument("feed_rate").device == instrument("feed_total").device == "feed_pump"
    assert instrument("feed_rate").gain_sd == instrument("feed_total").gain_sd
    assert instrument("pH").device != instrument("pH_2").device


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pH: {like: DO}", "not an entry"),
        ("pH: {unit: '[pH]'}", "not complete"),
        ("pH: {unit: '1', resolution: 1, gross_error: 1, source: x}", "not complete"),
        ("pH: {unit: '1', resolution: 1, gross_error: 1, source: x, range: [2, 1]}", "not right"),
        ("pH: {unit: '1', resolution: 1, gross_error: 1, source: x, range: [0, 1], lag_s: -1}", "not right"),
        (
            "pH: {unit: '1', resolution: 1, gross_error: 1, source: x, range: [0, 1], colour: red}",
            "not right",
        ),
    ],
)
def test_a_wrong_entry_is_refused(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(text)


def test_a_signal_that_no_vessel_measures_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="measures OTR") as caught:
        instrument("OTR")
    assert "offgas_O2" in caught.value.next_step
