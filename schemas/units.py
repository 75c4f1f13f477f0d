"""Units of measure by their UCUM code (UCUM 2.2), and the way from one to another."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from schemas.errors import UnitIncompatible, UnitUnknown

if TYPE_CHECKING:
    from typing import Protocol

    class _Ucum(Protocol):
        def fault(self, code: str) -> str | None: ...
        def path(self, sent: str, canonical: str) -> tuple[float, float] | None: ...


# The codes of the dictionary and their usual neighbours need no grammar; a test holds them against it.
KNOWN = frozenset(
    {
        *(
            "[pH]",
            "%",
            "1",
            "{OD}",
            "Cel",
            "K",
            "{#}.min-1",
            "{#}.h-1",
            "s-1",
            "min-1",
            "h-1",
            "s",
            "min",
            "h",
            "d",
        ),
        *("L", "mL", "g", "kg", "g.L-1", "mol.L-1", "mmol.L-1", "mmol.L-1.h-1", "bar", "mbar", "Pa", "kPa"),
        *("L.min-1", "L.h-1", "mL.min-1", "mL.h-1", "m.s-1", "W.m-3", "S", "uS", "mS.cm-1", "mN.m"),
        *("N.m", "W", "cm", "mV", "pF.cm-1", "10*6.mL-1", "mosm.kg-1"),
    }
)

_EXAMPLES = (
    "UCUM writes degrees Celsius as Cel, revolutions per minute as {#}.min-1, litres per hour as L.h-1."
)


def parse(ucum: str) -> None:
    """Check that `ucum` is a UCUM code.

    Raises:
        UnitUnknown: it is not.
    """
    if ucum in KNOWN:
        return
    wrong = _ucum().fault(ucum)
    if wrong is not None:
        raise UnitUnknown(f"{_shown(ucum)} is not a UCUM unit. Send a UCUM code: {_EXAMPLES}", detail=wrong)


@lru_cache(maxsize=1024)
def conversion(sent: str, canonical: str) -> tuple[float, float]:
    """(scale, offset) such that canonical = sent * scale + offset; exactly (1.0, 0.0) between equal units.

    Raises:
        UnitUnknown: one of them is not a UCUM code.
        UnitIncompatible: they measure different quantities, or one is a logarithm.
    """
    parse(sent)
    if sent == canonical:
        return 1.0, 0.0
    parse(canonical)
    path = _ucum().path(sent, canonical)
    if path is None:
        raise UnitIncompatible(
            f"{_shown(sent)} cannot be converted to {canonical}: another quantity, or not a linear unit. "
            f"Send the values in {canonical} or in another unit of the same quantity."
        )
    return path


def _ucum() -> _Ucum:
    # Pint and ucumvert take a second to load, which a device that publishes usual units never pays.
    return cast("_Ucum", import_module("schemas.ucum"))


def _shown(code: str) -> str:
    shown = repr(code)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
