"""How a benchmark tells its result: a table for people, one JSON object for the runner."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
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

    def as_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self))

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
        """Print it as argv asks (`--json` or a table) and return the exit code 0."""
        print(self.as_json() if "--json" in argv else self.as_table())
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
