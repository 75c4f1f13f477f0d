"""How a benchmark tells its result: a table for people, one JSON object for the runner."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; ratio is its share of what `to` names (a floor, another library, a target)."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark measured, and what it saw that explains the figures."""

    name: str
    figures: tuple[Figure, ...]
    observations: tuple[str, ...] = field(default=())

    def check(self) -> Report:
        """Return it; raises ValueError where a figure or a ratio is no finite number, and names those."""
        wrong = [f"{one.name} ({one.value:g})" for one in self.figures if not isfinite(one.value)]
        wrong += [
            f"{one.name}, its ratio to {one.to} ({one.ratio:g})"
            for one in self.figures
            if isfinite(one.value) and one.ratio is not None and not isfinite(one.ratio)
        ]
        if wrong:
            raise ValueError(
                f"{self.name}: no finite number came out for {'; '.join(wrong)}: what was measured does not "
                f"suffice for it"
            )
        return self

    def as_json(self) -> str:
        """Return it as one line of JSON; raises ValueError where a figure is no finite number."""
        return json.dumps(asdict(self.check()), allow_nan=False)

    def as_table(self) -> str:
        """Return it as lines of text."""
        width = max((len(figure.name) for figure in self.figures), default=0)
        lines = [self.name]
        for figure in self.figures:
            line = f"  {figure.name:{width}}  {_number(figure.value):>12} {figure.unit}"
            if figure.ratio is not None:
                line += f"   {figure.ratio:.2f} x {figure.to}"
            lines.append(line)
        lines += [f"  {observation}" for observation in self.observations]
        return "\n".join(lines)

    def tell(self, argv: Sequence[str]) -> int:
        """Print it as argv asks (`--json` or a table); return the exit code, 1 if a figure is no number."""
        try:
            print(self.as_json() if "--json" in argv else self.check().as_table())
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        return 0

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Return the report that as_json wrote; raises ValueError where the text is none."""
        told = json.loads(text)
        try:
            figures = tuple(Figure(**figure) for figure in told["figures"])
            return cls(told["name"], figures, tuple(told["observations"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a report: {text[:200]}") from error


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
