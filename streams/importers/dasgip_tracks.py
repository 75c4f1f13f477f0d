"""What tracks and units of a DASware export are called here.

A new track is declared in schemas/aliases.yaml, a new spelling of a unit below.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from schemas.aliases import of_vendor

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "": "1",
        "%": "%",
        "%DO": "%",
        "pH": "[pH]",
        "°C": "Cel",
        "rpm": "{#}.min-1",
        "1/min": "{#}.min-1",
        # Standard litres; UCUM has no sign for the reference state.
        "sL/h": "L.h-1",
        "sL/min": "L.min-1",
        "L/h": "L.h-1",
        "mL/h": "mL.h-1",
        "mL/min": "mL.min-1",
        "L": "L",
        "mL": "mL",
        "g": "g",
        "kg": "kg",
        "g/h": "g.h-1",
        "g/L": "g.L-1",
        "mM": "mmol.L-1",
        "mM/h": "mmol.L-1.h-1",
        "mol": "mol",
        "mmol": "mmol",
        "bar": "bar",
        "mbar": "mbar",
        "µS": "uS",
        "µS/cm": "uS.cm-1",
        "mS/cm": "mS.cm-1",
        "nA": "nA",
        "mA": "mA",
        "mV": "mV",
        "Ohm": "Ohm",
        "mNm": "mN.m",
        "Ncm": "N.cm",
        "W": "W",
        "AU": "{AU}",
        "CX": "{CX}",
        "s": "s",
        "min": "min",
        "h": "h",
        "d": "d",
    }
)
"""UCUM code by DASware's spelling."""

# What the dictionary has no word for, or had none for when the first exports were imported: a series goes on
# under the name that it has.
_OWN: Mapping[str, str] = MappingProxyType(
    {
        "XO2.PV": "gas_mix.O2",
        "XCO2.PV": "gas_mix.CO2",
        "FAir.PV": "gas_flow.air",
        "FO2.PV": "gas_flow.O2",
        "FN2.PV": "gas_flow.N2",
        "FCO2.PV": "gas_flow.CO2",
        "AU": "OD.absorbance",
        "ODAU.PV": "OD.absorbance",
        "CX": "OD.CX",
        "ODCX.PV": "OD.CX",
        "Lvl.PV": "level",
    }
)
_SETPOINT = ".SP"
_HEADS: Mapping[str, str] = MappingProxyType(
    {"V": "volume", "T": "temperature", "N": "agitation", "F": "gas_flow"}
)
_TAILS: Mapping[str, str] = MappingProxyType({"PV": "", "SP": "setpoint", "Out": "out"})
_PUMP = re.compile(r"(?P<what>[FV])(?P<pump>[A-Z])\.(?P<tail>\w+)")
_PUMPED: Mapping[str, str] = MappingProxyType({"F": "rate", "V": "volume"})
_NUMBERED = re.compile(r"(?P<word>[^\W\d_]+) (?P<number>\d+)\.(?P<track>.+)")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


def split(name: str) -> tuple[str | None, str]:
    """(number of the bioreactor, track) of a track's full name: "Unit 1.XO2 1.Out" gives ("1", "XO2.Out").

    DASware repeats the number after the track's first part ("pH1.PV", "FO21.PV"); the repeat is left out.
    A name without a numbered bioreactor gives (None, name).
    """
    found = _NUMBERED.fullmatch(name.strip())
    if found is None:
        return None, name.strip()
    head, dot, rest = found["track"].partition(".")
    bare = head.removesuffix(found["number"]).rstrip() if head != found["number"] else head
    return found["number"], f"{bare or head}{dot}{rest}"


def signal(track: str) -> str:
    """The signal that a track (as `split` gives it) is published as; a readable one if it is not declared."""
    if track in _OWN:
        return _OWN[track]
    alias = None if track.endswith(_SETPOINT) else of_vendor(track, "dasgip")
    if alias is not None:
        return alias.signal
    pump = _PUMP.fullmatch(track)
    if pump is not None:
        parts = [f"pump_{pump['pump']}", _PUMPED[pump["what"]], _TAILS.get(pump["tail"], pump["tail"])]
        return ".".join(filter(None, parts))
    head, _, tail = track.partition(".")
    # Version 5 says OfflineA.OfflineA where version 4 says Offline.A.
    if head == tail and head.startswith("Offline") and len(head) == len("OfflineA"):
        head, tail = "offline", head[-1]
    elif head in {"Offline", "Level", "Torque"}:
        head = head.lower()
    name = ".".join(filter(None, (_HEADS.get(head, head), _TAILS.get(tail, tail))))
    return _UNFIT.sub("_", name).strip("_.-")[:64] or "track"
