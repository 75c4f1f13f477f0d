"""Values, times and spans as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SHOWN = {
    "[pH]": "",
    "1": "",
    "%": " %",
    "Cel": " °C",
    "{#}.min-1": " /min",
    "L.min-1": " L/min",
    "L.h-1": " L/h",
    "mmol.L-1.h-1": " mmol/L/h",
    "{OD}": " OD",
    "g.L-1": " g/L",
    "mmol.L-1": " mmol/L",
    "10*6.mL-1": " million/mL",
    "mosm.kg-1": " mosmol/kg",
    "mS.cm-1": " mS/cm",
    "pF.cm-1": " pF/cm",
    "N.m": " N m",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quantity(value: float, unit_code: str) -> str:
    """Write `value` (in UCUM `unit_code`) with four significant digits and its unit as people write it."""
    if unit_code == "s":
        return span(value)
    base, per_minute, _ = unit_code.partition("/min")
    number = f"{value:.4g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.3e}"
    return number + _SHOWN.get(base, f" {base}") + (" per minute" if per_minute else "")


def span(seconds: float) -> str:
    """Write a span of time in the one or two largest units that matter: 40 s, 12 min, 3 h 20 min, 2 d."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} d"


def clock_time(time_us: int) -> str:
    """Write a time (µs since 1970, UTC) as the time of day: 16:52:36 UTC."""
    return f"{_EPOCH + timedelta(microseconds=time_us):%H:%M:%S} UTC"
