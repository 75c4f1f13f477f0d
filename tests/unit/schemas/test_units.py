"""Units are UCUM codes, and lead to each other by exact scales and offsets."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import UnitIncompatible, UnitUnknown
from schemas.ucum import fault
from schemas.units import KNOWN, conversion, parse

EVERY_UNIT_A_PLANT_SENDS = [
    *("[pH]", "%", "1", "Cel", "K", "{#}.min-1", "L.h-1", "mmol.L-1.h-1", "{OD}"),
    *("uS", "mN.m", "h", "d", "mL", "[degF]", "mm[Hg]", "[psi]", "10*6.mL-1", "g/L", "%{sat}", "Cel.h-1"),
]


@pytest.mark.parametrize("code", EVERY_UNIT_A_PLANT_SENDS)
def test_a_ucum_code_is_accepted(code: str) -> None:
    parse(code)


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_what_is_known_without_the_grammar_is_in_the_grammar(code: str) -> None:
    assert fault(code) is None


@pytest.mark.parametrize(
    "code", ["", "rpm", "°C", "µS", "ml/", "% ", "degC", "L.h-", "m" * 65, "\x00", "L h-1"]
)
def test_what_is_not_a_ucum_code_is_refused_with_what_to_send(code: str) -> None:
    with pytest.raises(UnitUnknown, match=r"is not a UCUM unit\. Send a UCUM code: ") as refused:
        parse(code)
    assert refused.value.detail


@pytest.mark.parametrize("code", EVERY_UNIT_A_PLANT_SENDS)
def test_a_unit_leads_to_itself_without_touching_a_bit(code: str) -> None:
    assert conversion(code, code) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("l", "L"),
        ("dm3", "L"),
        ("L/h", "L.h-1"),
        ("(L)/(h)", "L.h-1"),
        ("{rpm}.min-1", "{#}.min-1"),
        ("{x}", "1"),
    ],
)
def test_two_codes_of_one_unit_do_not_touch_a_bit_either(sent: str, canonical: str) -> None:
    assert conversion(sent, canonical) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("sent", "canonical", "scale", "offset"),
    [
        ("K", "Cel", 1.0, -273.15),
        ("Cel", "K", 1.0, 273.15),
        ("[degF]", "Cel", 5 / 9, -160 / 9),
        ("mL.h-1", "L.h-1", 0.001, 0.0),
        ("mL.min-1", "L.h-1", 0.06, 0.0),
        ("s-1", "{#}.min-1", 60.0, 0.0),
        ("Hz", "{#}.min-1", 60.0, 0.0),
        ("mbar", "bar", 0.001, 0.0),
        ("kPa", "bar", 0.01, 0.0),
        ("[psi]", "bar", 0.06894757293168362, 0.0),
        ("1", "%", 100.0, 0.0),
        ("[ppm]", "%", 1e-4, 0.0),
        ("mol.m-3.s-1", "mmol.L-1.h-1", 3600.0, 0.0),
        ("g", "kg", 0.001, 0.0),
        ("5.mL", "L", 0.005, 0.0),
        ("d", "h", 24.0, 0.0),
    ],
)
def test_scale_and_offset_are_the_nearest_floats(
    sent: str, canonical: str, scale: float, offset: float
) -> None:
    found_scale, found_offset = conversion(sent, canonical)
    assert found_scale == scale
    assert found_offset == pytest.approx(offset, rel=1e-15)


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("g", "Cel"),
        ("[pH]", "1"),
        ("%", "[pH]"),
        ("L", "L.h-1"),
        ("rad.s-1", "{#}.min-1"),  # radians are not revolutions, although both are numbers
        ("dB", "1"),
        ("mCel", "Cel"),
        ("Cel.h-1", "K.h-1"),
        ("10*999.10*999", "%"),
    ],
)
def test_another_quantity_or_a_logarithm_is_refused_with_what_to_send(sent: str, canonical: str) -> None:
    with pytest.raises(UnitIncompatible) as refused:
        conversion(sent, canonical)
    assert f"Send the values in {canonical}" in refused.value.message


@settings(deadline=None)  # the first code loads the grammar
@given(st.text(alphabet="mLKgshd.-/(){}[]%*1023468 µdegFCelpHrat'", max_size=70))
def test_no_text_raises_anything_but_a_unit_error(text: str) -> None:
    for canonical in ("%", "Cel", "L.h-1"):
        try:
            scale, offset = conversion(text, canonical)
        except (UnitUnknown, UnitIncompatible):
            continue
        assert scale > 0
        assert math.isfinite(scale)
        assert math.isfinite(offset)


def test_a_device_that_sends_usual_units_never_loads_the_grammar() -> None:
    code = (
        "import sys, schemas.decoding as d;"
        "d.decode_frame("
        'b\'{"schema":"sparge.frame/1","site":"n","unit":"B","device":"d","epoch":1,"sequence":1,'
        '"time_us":[1],"signals":{"DO":{"unit":"%","values":[40]},"x":{"unit":"L.h-1","values":[1]}}}\','
        "b'n/B', 1);"
        "sys.exit('pint' in sys.modules or 'lark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
