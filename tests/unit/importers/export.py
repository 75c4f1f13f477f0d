"""Writes small DASware exports for tests: the form of the real ones, the content the test's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from streams.importers import ImportOptions

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2024, 5, 6, 8, 0, 0)  # noqa: DTZ001 - a local time, as the recorder writes it
INFO = '"[Info]"\n"Product";"Version"\n"FngArchiv";"4.0.1"\n"DASGIP Control Core";"4.6.8"\n\n'
END = '"[End]"\n12345\n'


def options(**given: object) -> ImportOptions:
    return ImportOptions(**{"site": "lab", "zone": BERLIN, **given})  # type: ignore[arg-type]  # given by the test


def row(minute: float, *cells: str, begin: datetime = BEGIN) -> str:
    """A row `minute` minutes after the beginning, in local time without clock changes."""
    local = begin + timedelta(minutes=minute)
    return ";".join((str(local), f" {minute / 1440:.15g}", *cells))


def table(heads: Sequence[str], rows: Sequence[str], number: str = "1") -> str:
    """A section of track data."""
    titles = ";".join(f'"{head}"' for head in ("Timestamp", "Duration", *heads))
    return "\n".join((f'"[TrackData{number}]"', titles, *rows)) + "\n\n\n"


def export(*tables: str, info: str = INFO, end: str = END) -> str:
    """A whole file."""
    return info + '"[TrackData]"\n\n' + "".join(tables) + end


def simple(cells: Mapping[str, Sequence[str]]) -> str:
    """A file of one bioreactor with these columns, a row a minute."""
    rows = [row(minute, *each) for minute, each in enumerate(zip(*cells.values(), strict=True), start=1)]
    return export(table(list(cells), rows))
