"""How pictures of batches look: one style, rows of panels over time, phases shaded, set points dashed."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Series = tuple[NDArray[np.float64], NDArray[np.float64]]

DPI = 140
COLOURS = 96
LARGEST_BYTES = 150_000
# Colours that people with any sight tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#777777",
)
SHADES = {
    "inoculation": "#f4f4f4",
    "batch": "#e7eef6",
    "feed": "#eef5e6",
    "induction": "#fbf0e0",
    "harvest": "#ececec",
}

mpl.rcParams.update(
    {
        "font.size": 8,
        "font.family": "DejaVu Sans",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "axes.titlesize": 8.5,
        "axes.labelsize": 7.5,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 6.5,
        "legend.frameon": False,
        "legend.handlelength": 1.4,
        "lines.linewidth": 1.0,
        "svg.hashsalt": "sparge",
    }
)


@dataclass
class Column:
    """One batch or recording, a column of the picture.

    Attributes:
        lines: (hours, values) drawn as a line, by signal.
        dots: (hours, values) drawn as points, by assay.
        phases: (hours at which it begins, its name).
    """

    title: str
    lines: dict[str, Series]
    dots: dict[str, Series] = field(default_factory=dict)
    phases: Sequence[tuple[float, str]] = ()
    ends_h: float | None = None


@dataclass(frozen=True)
class Row:
    """One quantity or several of one unit, a row of the picture.

    Attributes:
        label: of the axis, with its unit.
        shown: signals, their names in the legend, their colours.
        setpoint: signal drawn dashed.
        limits: of the axis; absent: as the data have it.
    """

    label: str
    shown: tuple[tuple[str, str, str], ...]
    setpoint: str | None = None
    limits: tuple[float, float] | None = None
    height: float = 1.0


def grid(columns: Sequence[Column], rows: Sequence[Row], title: str) -> Figure:
    """A picture with a column for each batch and a row for each quantity, rows on the same scale."""
    figure = Figure(figsize=(7.4, 0.9 + 1.12 * sum(row.height for row in rows)), layout="constrained")
    figure.suptitle(title, fontsize=9.5, fontweight="bold", x=0.01, ha="left")
    panels = figure.subplots(
        len(rows),
        len(columns),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=[row.height for row in rows],
    )
    for across, column in enumerate(columns):
        panels[0, across].set_title(column.title, loc="left", pad=11)
        last = column.ends_h or _last(column)
        for down, row in enumerate(rows):
            axes = panels[down, across]
            shade(axes, column.phases, last, named=down == 0)
            drawn = _draw(axes, column, row)
            if not drawn:
                axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", color=GREY, size=7)
            axes.set_xlim(0.0, last)
            axes.margins(y=0.08)
            if row.limits is not None:
                axes.set_ylim(*row.limits)
            if across == 0:
                axes.set_ylabel(row.label)
            if drawn and across == 0 and len(row.shown) > 1:
                legend = axes.legend(loc="best", ncols=2 if len(columns) > 2 else 4, borderaxespad=0.2)
                legend.set_in_layout(False)
        panels[-1, across].set_xlabel("hours since inoculation")
    figure.align_ylabels()
    return figure


def shade(axes: Axes, phases: Sequence[tuple[float, str]], last_h: float, *, named: bool) -> None:
    """The phases as shaded bands, with their names above."""
    ends = [begin for begin, _ in phases[1:]] + [last_h]
    for (begin, name), end in zip(phases, ends, strict=False):
        if name in SHADES and begin < last_h:
            axes.axvspan(begin, min(end, last_h), color=SHADES[name], linewidth=0, zorder=0)
            if named and end - begin > 0.07 * last_h:
                middle = 0.5 * (begin + min(end, last_h))
                axes.annotate(
                    name,
                    (middle, 1.01),
                    xycoords=("data", "axes fraction"),
                    ha="center",
                    va="bottom",
                    size=6,
                    color="#666666",
                )


def save(figure: Figure, path: Path) -> int:
    """Write a palette PNG without dates, the same for the same figure; its bytes.

    Raises:
        ValueError: it is too large for the repository even with few colours.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
    for colours in (COLOURS, 48, 24):
        small = io.BytesIO()
        image = Image.open(drawn).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        image.save(small, format="PNG", optimize=True)
        if small.tell() <= LARGEST_BYTES:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(small.getvalue())
            return small.tell()
    raise ValueError(f"{path.name} takes {small.tell()} bytes; {LARGEST_BYTES} are allowed. Draw less in it.")


def _draws(column: Column, row: Row) -> bool:
    return any(name in column.lines or name in column.dots for name, _, _ in row.shown)


def _draw(axes: Axes, column: Column, row: Row) -> bool:
    for name, label, colour in row.shown:
        dotted = name in column.dots
        if name in column.lines:
            axes.plot(
                *column.lines[name],
                color=colour,
                label=None if dotted else label,
                linewidth=0.8 if dotted else 1.0,
            )
        if dotted:
            axes.plot(*column.dots[name], "o", color=colour, label=label, markersize=2.6)
    if row.setpoint is not None and row.setpoint in column.lines:
        axes.plot(
            *column.lines[row.setpoint], "--", color="black", linewidth=0.8, label="set point", zorder=4
        )
    return _draws(column, row)


def _last(column: Column) -> float:
    return float(max(series[0][-1] for series in (*column.lines.values(), *column.dots.values())))
