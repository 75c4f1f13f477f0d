"""Tracks get the names that the signal dictionary has, others readable ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.aliases import canonical
from schemas.signals import DICTIONARY
from schemas.units import parse
from schemas.wire import NAME_PATTERN
from streams.importers.dasgip_tracks import UNITS, signal, split


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Unit 1.pH1.PV", "pH"),
        ("Unit 1.DO1.PV", "DO"),
        ("Unit 12.T12.PV", "temperature"),
        ("Unit 1.N1.PV", "agitation"),
        ("Unit 1.F1.PV", "gas_flow"),
        ("Unit 1.V1.PV", "volume"),
        ("Unit 1.V1.VPV", "volume"),
        ("Unit 2.XO2 2.Out", "offgas_O2"),
        ("Unit 2.XO22.Out", "offgas_O2"),
        ("Unit 1.XCO2 1.Out", "offgas_CO2"),
        ("Unit 1.OTR1", "OTR"),
        ("Unit 1.CTR1", "CTR"),
        ("Unit 1.RQ1", "RQ"),
        ("Unit 1.F1.Out", "offgas_flow"),
        ("Unit 1.FO21.PV", "gas_flow.O2"),
        ("Unit 1.pH1.Out", "pH.out"),
        ("Unit 1.DO1.SP", "DO.setpoint"),
        ("Unit 1.T1.SP", "temperature.setpoint"),
        ("Unit 1.FA1.PV", "pump_A.rate"),
        ("Unit 1.FA1.SP", "pump_A.rate.setpoint"),
        ("Unit 1.VD1.PV", "pump_D.volume"),
        ("Unit 1.Level1.PV", "level"),
        ("Unit 1.Torque1.PV", "torque"),
        ("Unit 1.N1.TStirPV", "torque"),
        ("Unit 1.Offline1.A", "offline.A"),
        ("Unit 1.OfflineA1.OfflineA", "offline.A"),
        ("Unit 1.AU1", "OD.absorbance"),
        ("Unit 1.InternalA1.Start Oszillation", "InternalA.Start_Oszillation"),
        ("Unit 1.Inoculation Time", "Inoculation_Time"),
    ],
)
def test_a_track_is_the_signal_that_an_engineer_expects(name: str, expected: str) -> None:
    assert signal(split(name)[1]) == expected


def test_the_number_of_the_bioreactor_is_taken_from_the_name() -> None:
    assert split("Unit 3.pH3.PV") == ("3", "pH.PV")
    assert split("Reaktor 14.XO2 14.Out") == ("14", "XO2.Out")
    assert split("Unit 3.pH1.PV") == ("3", "pH1.PV")
    assert split("pH1.PV") == (None, "pH1.PV")
    assert split("Unit 2.2.PV") == ("2", "2.PV")


@given(track=st.text(min_size=1, max_size=200))
def test_every_track_gets_a_name_that_a_frame_can_carry(track: str) -> None:
    assert re.match(NAME_PATTERN, signal(track))


def test_every_known_unit_is_a_ucum_code() -> None:
    for code in UNITS.values():
        parse(code)


def test_the_signals_of_the_dictionary_are_reached() -> None:
    reached = {signal(split(f"Unit 1.{track}")[1]) for track in ("pH1.PV", "DO1.PV", "OTR1", "F1.PV")}
    assert reached <= set(DICTIONARY)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Unit 1.FO21.PV", "O2_flow"),
        ("Unit 1.DO1.SP", "DO_setpoint"),
        ("Unit 1.XCO2 1.Out", "offgas_CO2"),
        ("Unit 1.RQ1", "RQ"),
    ],
)
def test_a_track_is_known_by_its_vendor(name: str, expected: str) -> None:
    assert canonical(split(name)[1], "dasgip") == (expected, None)


def test_a_track_that_the_dictionary_has_no_word_for_is_no_alias() -> None:
    for name in ("Unit 1.pH1.Out", "Unit 1.XO2 1.PV", "Unit 1.AU1", "Unit 1.Level1.PV", "Unit 1.FA1.PV"):
        assert canonical(split(name)[1], "dasgip") is None
