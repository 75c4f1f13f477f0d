"""What vendors and people call a signal leads to the dictionary, or nowhere where that is not clear."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from schemas.aliases import Alias, canonical, load, of_vendor, shipped, vendors
from schemas.errors import ContractError
from schemas.signals import DICTIONARY
from schemas.units import conversion

DATA = Path(os.environ.get("SPARGE_DATA") or Path(__file__).parents[4] / "shared" / "data")

ALIASES = [
    (vendor, tag, alias) for vendor, table in shipped().items() for tag, alias in table.items() if alias
]


def header(path: str, delimiter: str) -> list[str]:
    """The first row of a recording."""
    file = DATA / path
    if not file.exists():
        pytest.skip(f"the recordings are not at {DATA}")
    with file.open(encoding="latin-1", newline="") as lines:
        return next(csv.reader(lines, delimiter=delimiter))


@pytest.mark.parametrize(("vendor", "tag", "alias"), ALIASES, ids=str)
def test_every_alias_leads_to_a_signal_of_a_compatible_unit(vendor: str, tag: str, alias: Alias) -> None:
    declared = DICTIONARY[alias.signal]
    if alias.unit is not None:
        conversion(alias.unit, declared.unit)
    assert canonical(tag, None if vendor == "words" else vendor) == alias


@pytest.mark.parametrize("name", DICTIONARY)
@pytest.mark.parametrize("vendor", [None, *vendors()])
def test_a_name_of_the_dictionary_means_itself_or_nothing(name: str, vendor: str | None) -> None:
    found = canonical(name, vendor)
    assert found is None or found.signal == name
    if vendor is None:
        assert found == Alias(name, None)


@pytest.mark.parametrize(
    ("tag", "signal"),
    [
        *(
            ("pO2", "DO"),
            ("dO2", "DO"),
            ("dissolved oxygen", "DO"),
            ("Dissolved_Oxygen", "DO"),
            ("DO.", "DO"),
        ),
        *(("DO_2", "DO_2"), ("do-2", "DO_2"), ("DO2", "DO"), ("pH2", "pH_2"), ("PH 2", "pH_2")),
        *(("Temp", "temperature"), ("Stirrer", "agitation"), ("rpm", "agitation"), ("Air", "air_flow")),
        *(("CO2 exit", "offgas_CO2"), ("off-gas O2", "offgas_O2"), ("feedrate", "feed_rate")),
        *(("TIC.PV", "temperature"), ("TIC.SP", "temperature_setpoint"), ("BASET", "base_total")),
        *(("VCD", "viable_cells"), ("OD600", "OD"), ("CDW", "biomass"), ("FO2.PV", "O2_flow")),
    ],
)
def test_what_people_say_is_understood_without_a_vendor(tag: str, signal: str) -> None:
    found = canonical(tag)
    assert found is not None
    assert found.signal == signal


@pytest.mark.parametrize(
    "tag", ["T", "P", "V", "O2", "CO2", "feed", "base", "AIC", "FIC", "od_reading", "µ", ""]
)
def test_a_tag_that_may_be_anything_means_nothing(tag: str) -> None:
    assert canonical(tag) is None


def test_a_vendors_word_goes_before_everybodys() -> None:
    assert canonical("T", "indpensim") == Alias("temperature", "K")
    assert canonical("O2", "indpensim") == Alias("offgas_O2", "1")
    assert canonical("dO2") == Alias("DO", None)
    assert canonical("DO2", "indpensim") is None  # mg/L
    assert canonical("pressure") == Alias("pressure", None)
    assert canonical("pressure", "indpensim") is None  # above the atmosphere


def test_what_the_vendor_does_not_say_itself_is_taken_as_everybody_says_it() -> None:
    assert canonical("head pressure", "sartorius") == Alias("pressure", None)
    assert of_vendor("head pressure", "sartorius") is None


def test_a_tag_that_two_vendors_use_differently_needs_its_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = load(
        "words: {}\n"
        "a: {X: DO, Y: {signal: DO, unit: '%'}, Z: DO}\n"
        "b: {X: pH, Y: {signal: DO, unit: '1'}, Z: null}\n"
    )
    monkeypatch.setattr("schemas.aliases.shipped", lambda: tables)
    assert canonical("X") is None
    assert canonical("Y") == Alias("DO", None)
    assert canonical("Z") is None
    assert canonical("Y", "b") == Alias("DO", "1")


def test_an_unknown_vendor_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ContractError, match=r"acme is not known\. Known are .*sartorius"):
        canonical("pH", "acme")
    with pytest.raises(ContractError, match="words"):
        of_vendor("pH", "words")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a: {p-h: pH, P_H: pH}", "P_H twice"),
        ("a: {slime: slime}", "slime, which the dictionary has not"),
    ],
)
def test_a_wrong_alias_is_refused_by_name(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        load(text)


def test_the_header_of_a_biostat_is_what_an_engineer_would_say() -> None:
    found = {tag: canonical(tag, "sartorius") for tag in header("senck/online_4.CSV", ";")}
    assert {tag: tuple(alias) for tag, alias in found.items() if alias} == {
        "TEMP": ("temperature", "Cel"),
        "JTEMP": ("jacket_inlet_temperature", "Cel"),
        "STIRR": ("agitation", "{#}.min-1"),
        "pH": ("pH", "[pH]"),
        "pO2": ("DO", "%"),
        "AIRSP": ("air_flow", "L.min-1"),
        "CO2SP": ("CO2_flow", "L.min-1"),
        "SUBS_A": ("feed_pump", "%"),
        "SUBST_A": ("feed_total", "mL"),
        "ACIDT": ("acid_total", "mL"),
        "BASET": ("base_total", "mL"),
        "FOAMT": ("antifoam_total", "mL"),
        "REDOX": ("redox", "mV"),
        "EO2": ("offgas_O2", "%"),
        "ECO2": ("offgas_CO2", "%"),
    }


def test_the_header_of_the_penicillin_simulation_is_what_an_engineer_would_say() -> None:
    columns = header("indpensim/batch_seed42_b01_states.csv", ",")
    found = {tag: canonical(tag, "indpensim") for tag in columns}
    assert {tag: tuple(alias) for tag, alias in found.items() if alias} == {
        "S": ("glucose", "g.L-1"),
        "O2": ("offgas_O2", "1"),
        "P": ("product", "g.L-1"),
        "V": ("volume", "L"),
        "Wt": ("weight", "kg"),
        "pH": ("pH", "[pH]"),
        "T": ("temperature", "K"),
        "CO2outgas": ("offgas_CO2", "%"),
        "PAA": ("precursor", "mg.L-1"),
        "Fg": ("gas_flow", None),
        "RPM": ("agitation", "{#}.min-1"),
        "Fpaa": ("precursor_rate", "L.h-1"),
        "Fs": ("feed_rate", "L.h-1"),
        "Fa": ("acid_rate", "L.h-1"),
        "Fb": ("base_rate", "L.h-1"),
    }


@pytest.mark.parametrize(
    ("path", "delimiter", "vendor", "rows"),
    [
        ("senck/online_4.CSV", ";", "sartorius", 3),
        ("indpensim/batch_seed42_b01_states.csv", ",", "indpensim", 2),
    ],
)
def test_what_a_recording_reads_is_plausible_in_the_aliases_units(
    path: str, delimiter: str, vendor: str, rows: int
) -> None:
    columns = header(path, delimiter)
    with (DATA / path).open(encoding="latin-1", newline="") as lines:
        for row in list(csv.reader(lines, delimiter=delimiter))[rows:]:
            for tag, cell in zip(columns, row, strict=False):
                alias = canonical(tag, vendor)
                if alias is None or alias.unit is None or not cell:
                    continue
                declared = DICTIONARY[alias.signal]
                scale, offset = conversion(alias.unit, declared.unit)
                value = float(cell.replace(",", ".")) * scale + offset
                low, high = declared.plausible
                margin = 3 * declared.noise
                assert low - margin <= value <= high + margin, (tag, cell)
