"""The recordings that simulated batches are drawn beside, as series of the dictionary's signals.

They are read where they lie and never copied; what is not there is left out.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from streams.importers.dasgip import read
from streams.importers.imported import ImportOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Series = tuple[NDArray[np.float64], NDArray[np.float64]]

DATA = Path(os.environ.get("SPARGE_DATA") or Path(__file__).parents[2] / "shared" / "data")
SENCK_TIME = "%d.%m.%Y %H:%M:%S"
NORMAL_PENICILLIN = (42, 101, 102)
LEAST_OTR_MMOL_L_H = 1.0


@dataclass
class Recording:
    """A real (or another's simulated) batch: series of hours and values, online and offline."""

    title: str
    lines: dict[str, Series] = field(default_factory=dict)
    dots: dict[str, Series] = field(default_factory=dict)


def senck(run: int) -> Recording | None:
    """A fed-batch of S. cerevisiae; its hours count from the first line of its offline table."""
    folder = DATA / "senck"
    if not (folder / f"online_{run}.CSV").exists():
        return None
    with (folder / f"offline_{run}.csv").open(encoding="latin-1") as lines:
        offline = list(csv.DictReader(lines, delimiter=";"))
    begin = datetime.strptime(offline[0]["ts"] + ":00", SENCK_TIME).astimezone()
    online = _table(folder / f"online_{run}.CSV", 3)
    hours = [_hours_since(begin, row[0]) for row in online[1]]
    found = Recording(f"S. cerevisiae, recorded (senck {run})")
    for signal, column in (("DO", "pO2"), ("agitation", "STIRR"), ("pH", "pH"), ("temperature", "TEMP")):
        at = online[0].index(column)
        found.lines[signal] = _series(zip(hours, (_number(row[at]) for row in online[1]), strict=True))
    at = online[0].index("SUBST_A")
    fed_ml = [_number(row[at]) for row in online[1]]
    found.lines["feed_total"] = _series(zip(hours, (ml / 1000.0 for ml in fed_ml), strict=True))
    gas = _table(folder / f"CO2_{run}.dat", 2, skip=1)
    found.lines["offgas_CO2"] = _series((_hours_since(begin, row[0]), _number(row[2])) for row in gas[1])
    for assay, column in (("biomass", "cX"), ("glucose", "cS"), ("ethanol", "cE")):
        pairs = ((_number(row["t"]), _number(row[column])) for row in offline)
        found.dots[assay] = _series(pair for pair in pairs if not np.isnan(pair[1]))
    return found


def subtilis() -> Recording | None:
    """Unit 1 of two B. subtilis batches in 1 L, with the rates that its own system worked out."""
    path = DATA / "dasgip" / "B_subtilis_2_reactors.Control.csv"
    if not path.exists():
        return None
    imported = read(path, ImportOptions("shown", ZoneInfo("Europe/Berlin")))
    unit = imported.units[0]
    found = Recording("B. subtilis, recorded (1 L batch)")
    for signal in (
        "DO",
        "agitation",
        "pH",
        "temperature",
        "gas_flow",
        "offgas_O2",
        "offgas_CO2",
        "OTR",
        "CTR",
        "RQ",
    ):
        pairs = [
            ((time_us - unit.time_us[0]) / 3.6e9, row[signal])
            for time_us, row in zip(unit.time_us, unit.rows, strict=True)
            if signal in row
        ]
        if pairs:
            found.lines[signal] = _series(pairs)
    for shown, recorded in (("OUR", "OTR"), ("CER", "CTR")):
        if recorded in found.lines:
            found.lines[shown] = found.lines[recorded]
    return found


def penicillin(seed: int) -> Recording | None:
    """A normal batch of IndPenSim, 100,000 L, itself a simulation."""
    path = DATA / "indpensim" / f"batch_seed{seed}_b01_states.csv"
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    table = np.array(rows[2:], dtype=np.float64)
    column: dict[str, NDArray[np.float64]] = {name: table[:, at] for at, name in enumerate(rows[0])}
    hours = column["time_h"]
    found = Recording(f"IndPenSim {seed}")
    cells = sum(column[name] for name in ("a0", "a1", "a3", "a4"))
    feed = column["Fs"] / column["V"]
    for signal, values in {
        "pH": column["pH"],
        "temperature": column["T"] - 273.15,
        "offgas_CO2": column["CO2outgas"],
        "offgas_O2": 100.0 * column["O2"],
        "agitation": column["RPM"],
        "DO": 100.0 * column["DO2"] / DO_AT_AIR_MG_L,
        "biomass": cells,
        "product": column["P"],
        "glucose": column["S"],
        "feed_per_volume": 1000.0 * feed,
        "gas_per_volume": column["Fg"] * 1000.0 / column["V"],
    }.items():
        found.lines[signal] = (hours, np.asarray(values, dtype=np.float64))
    return found


DO_AT_AIR_MG_L = 8.2
"""Oxygen in water under air at 25 °C (tables), to show mg/L in % of air."""


def _table(path: Path, heads: int, skip: int = 0) -> tuple[list[str], list[list[str]]]:
    """(column names, rows) of a table with so many lines of heading, the names in the first after `skip`."""
    with path.open(encoding="latin-1") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    return rows[skip], [row for row in rows[heads:] if row and row[0]]


def _hours_since(begin: datetime, text: str) -> float:
    return (datetime.strptime(text, SENCK_TIME).astimezone() - begin).total_seconds() / 3600.0


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return float("nan")


def _series(pairs: Iterable[tuple[float, float]]) -> Series:
    hours, values = np.array(list(pairs), dtype=np.float64).T
    return hours, values


def there(found: Iterable[Callable[[], Recording | None]]) -> list[Recording]:
    """Those recordings that are on this machine."""
    return [each for each in (one() for one in found) if each is not None]
