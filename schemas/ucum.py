"""UCUM codes, read by ucumvert's grammar and computed by Pint in decimals. Loading this takes a second."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, DecimalException, localcontext
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from threading import RLock
from typing import Any

import pint
from lark.exceptions import LarkError
from ucumvert.parser import get_ucum_parser, parse_ucum
from ucumvert.ucum_pint import UcumToPintTransformer

MAX_LENGTH = 64

# Neither the parser nor a Pint registry promises to be safe for threads.
_LOCK = RLock()


@dataclass(frozen=True, slots=True)
class _Line:
    """A unit as a straight line in root units: root = value * scale + offset."""

    scale: Decimal
    offset: Decimal
    root: str


class _DecimalTransformer(UcumToPintTransformer):  # type: ignore[misc]  # ucumvert ships no types
    """Pint starts every atom at the integer 1, whose negative powers are floats; this starts at a decimal."""

    def simple_unit(self, args: list[Any]) -> Any:
        quantity = super().simple_unit(args)
        return self.ureg.Quantity(Decimal(quantity.magnitude), quantity.units)


_registry: pint.UnitRegistry[Decimal] = pint.UnitRegistry(non_int_type=Decimal)
_registry.load_definitions(str(files("ucumvert") / "pint_ucum_defs.txt"))
# ucumvert reads [pH] and leaves its definition to the user: a scale of its own, convertible to nothing.
_registry.define("pH_value = [acidity]")
_parser = get_ucum_parser()
_transformer = _DecimalTransformer(_registry)


def fault(code: str) -> str | None:
    """What is wrong with the code's syntax, or None where it is a UCUM code."""
    # Before the cache, which shall not be filled with texts of any length.
    if not 0 < len(code) <= MAX_LENGTH:
        return f"a code has 1 to {MAX_LENGTH} characters, this has {len(code)}"
    if not (code.isascii() and code.isprintable()):
        return "a code has printable ASCII characters only"
    return _grammar_fault(code)


@lru_cache(maxsize=1024)
def _grammar_fault(code: str) -> str | None:
    try:
        with _LOCK:
            parse_ucum(code, _parser)
    except LarkError as wrong:
        return str(wrong)
    return None


@lru_cache(maxsize=1024)
def path(sent: str, canonical: str) -> tuple[float, float] | None:
    """(scale, offset) with canonical = sent * scale + offset; None where no straight line leads there.

    Both must be codes that `fault` finds nothing wrong with.
    """
    with _LOCK, localcontext() as context:
        context.prec = 50
        try:
            here, there = _line(sent), _line(canonical)
            if here.root != there.root:
                return None
            scale = float(here.scale / there.scale)
            offset = float((here.offset - there.offset) / there.scale)
        except (pint.PintError, LarkError, DecimalException, OverflowError, TypeError):
            # Logarithmic units, offset units inside products and absurd powers: Pint has a word for each.
            return None
    return (scale, offset) if isfinite(scale) and isfinite(offset) and scale > 0 else None


def _line(code: str) -> _Line:
    quantity = _transformer.transform(parse_ucum(code, _parser))
    if isinstance(quantity, str):  # a bare annotation, such as {OD}, is the unit 1
        return _Line(Decimal(1), Decimal(0), "dimensionless")
    zero = _registry.Quantity(Decimal(0), quantity.units).to_root_units()
    one = _registry.Quantity(quantity.magnitude, quantity.units).to_root_units()
    return _Line(one.magnitude - zero.magnitude, zero.magnitude, str(one.units))
