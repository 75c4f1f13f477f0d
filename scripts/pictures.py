"""Draw simulated batches beside recorded ones: `make pictures`.

The same code gives the same pictures. Recordings are looked for in ../shared/data (or SPARGE_DATA); where one
is absent its panels are left out, and the command says so.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from picture_figures import told
from picture_recordings import DATA, NORMAL_PENICILLIN, Recording, penicillin, senck, subtilis, there
from picture_runs import FAULT_S, Run, everything
from picture_style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, Column, Row, grid, save

from simulator.faulting.kinds import FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parents[1] / "docs" / "pictures" / "simulator"
HIGHEST_GAP = 0.001

BREATH = Row("mmol/(L h)", (("OUR", "OUR", BLUE), ("CER", "CER", ORANGE)), height=1.2)
RQ = Row("RQ", (("RQ", "RQ", PURPLE),), limits=(0.0, 2.0), height=0.8)
DO = Row("DO, % of air", (("DO", "DO", BLUE),), "DO_setpoint", limits=(0.0, 130.0))
STIRRER = Row("stirrer, 1/min", (("agitation", "stirrer", BLUE),), limits=(0.0, 1300.0), height=0.8)
GAS = Row("% in off-gas", (("offgas_CO2", "CO2", ORANGE),), height=0.8)
PH = Row("pH", (("pH", "pH", GREEN),), "pH_setpoint", height=0.7)
WARMTH = Row("°C", (("temperature", "temperature", RED),), "temperature_setpoint", height=0.7)
FEED = Row("feed, L/h", (("feed_rate", "feed", GREEN),), height=0.7)


def simulated(run: Run, title: str) -> Column:
    """A batch as a column of a picture, without what lies after its end."""
    ends_h = next((hours for hours, name in run.phases if name == "end"), None)
    return Column(title, run.lines, run.dots, run.phases, ends_h)


def recorded(found: Recording, ends_h: float | None = None) -> Column:
    """A recording as a column."""
    return Column(found.title, found.lines, found.dots, ends_h=ends_h)


def e_coli(run: Run) -> Figure:
    """E. coli beside B. subtilis."""
    columns = [simulated(run, "E. coli, simulated, 2 L")]
    columns += [recorded(each, 22.0) for each in there([subtilis])]
    rows = (
        Row(
            "g/L",
            (
                ("biomass", "biomass", BLUE),
                ("glucose", "glucose", GREEN),
                ("acetate", "acetate", RED),
                ("product", "product", PURPLE),
            ),
            height=1.4,
        ),
        BREATH,
        RQ,
        DO,
        STIRRER,
        GAS,
        replace(PH, limits=(6.5, 7.7)),
        replace(WARMTH, limits=(17.0, 40.0)),
        FEED,
    )
    return grid(columns, rows, "Escherichia coli, fed-batch with induction at 30 °C")


def s_cerevisiae(run: Run) -> Figure:
    """Yeast beside two recorded fed-batches."""
    columns = [simulated(run, "S. cerevisiae, simulated, 2 L")]
    columns += [recorded(each, 26.0) for each in there([partial(senck, 4), partial(senck, 6)])]
    rows = (
        Row(
            "g/L",
            (("biomass", "biomass", BLUE), ("glucose", "glucose", GREEN), ("ethanol", "ethanol", RED)),
            height=1.5,
        ),
        BREATH,
        Row("RQ", (("RQ", "RQ", PURPLE),), limits=(0.0, 5.5), height=0.9),
        DO,
        STIRRER,
        GAS,
        PH,
        WARMTH,
    )
    return grid(columns, rows, "Saccharomyces cerevisiae, fed-batch")


def cho(run: Run) -> Figure:
    """Mammalian cells: nothing recorded to draw beside."""
    for name, signal in (("air", "air_flow"), ("oxygen", "O2_flow"), ("acid gas", "CO2_flow")):
        hours, flow = run.lines[signal]
        run.lines[name] = (hours, 1000.0 * flow)
    rows = (
        Row("10⁶ cells/mL", (("viable_cells", "viable cells", BLUE),), height=1.1),
        Row("viability, %", (("viability", "viability", GREY),), limits=(50.0, 103.0), height=0.8),
        Row(
            "g/L",
            (("glucose", "glucose", GREEN), ("lactate", "lactate", RED), ("product", "antibody", PURPLE)),
            height=1.2,
        ),
        Row("mmol/L", (("glutamine", "glutamine", GREEN), ("ammonium", "ammonium", ORANGE))),
        Row("CER, mmol/(L h)", (("CER", "CER", ORANGE),), limits=(0.0, 5.0), height=0.9),
        Row(
            "gas, mL/min",
            (("air", "air", SKY), ("oxygen", "pure O2", BLUE), ("acid gas", "pure CO2", ORANGE)),
            height=0.9,
        ),
        DO,
        Row("dissolved CO2, mbar", (("dissolved_CO2", "CO2", ORANGE),), height=0.9),
        Row("pH", (("pH", "pH", GREEN),), "pH_setpoint", limits=(6.9, 7.25), height=0.8),
        WARMTH,
    )
    return grid([simulated(run, "CHO, simulated, 2 L")], rows, "Chinese hamster ovary cells, fed-batch")


def p_chrysogenum(run: Run) -> Figure:
    """Penicillin beside normal batches of IndPenSim."""
    volume = run.lines["volume"][1]
    run.lines["feed_per_volume"] = (run.lines["volume"][0], 1000.0 * run.lines["feed_rate"][1] / volume)
    columns = [simulated(run, "simulated, 25,000 L")]
    columns += [recorded(each) for each in there([partial(penicillin, seed) for seed in NORMAL_PENICILLIN])][
        :3
    ]
    rows = (
        Row("g/L", (("biomass", "biomass", BLUE), ("product", "penicillin", PURPLE)), height=1.5),
        Row("glucose, g/L", (("glucose", "glucose", GREEN),), height=0.8),
        Row("% in off-gas", (("offgas_CO2", "CO2", ORANGE),), limits=(0.0, 2.6), height=0.9),
        replace(DO, limits=(0.0, 200.0)),
        Row("stirrer, 1/min", (("agitation", "stirrer", BLUE),), limits=(0.0, 140.0), height=0.8),
        Row("feed, mL/(L h)", (("feed_per_volume", "sugar feed", GREEN),), height=0.8),
        Row("pH", (("pH", "pH", GREEN),), "pH_setpoint", limits=(6.1, 6.9), height=0.7),
        WARMTH,
    )
    return grid(
        columns,
        rows,
        "Penicillium chrysogenum, fed-batch; on the right another simulator, IndPenSim (100,000 L)",
    )


def scale(runs: Mapping[str, Run]) -> Figure:
    """The demanding E. coli recipe in three vessels."""
    columns = []
    for hull, run in runs.items():
        volume = run.lines["volume"][1]
        hours = run.lines["volume"][0]
        run.lines["W/L"] = (hours, run.lines["power"][1] / volume)
        run.lines["vvm"] = (hours, run.lines["gas_flow"][1] / volume)
        run.lines["O2 vvm"] = (hours, run.lines["O2_flow"][1] / volume)
        run.lines["fed"] = (hours, 1000.0 * run.lines["feed_rate"][1] / volume)
        columns.append(simulated(run, f"{hull.replace('25000', '25,000').removesuffix('L')} L"))
    rows = (
        Row("biomass, g/L", (("biomass", "biomass", BLUE),)),
        Row("feed, mL/(L h)", (("fed", "feed", GREEN),), height=0.8),
        Row("OUR, mmol/(L h)", (("OUR", "OUR", BLUE),)),
        Row("power, W/L", (("W/L", "power", RED),), height=0.8),
        Row("gas, L/(L min)", (("vvm", "all gas", SKY), ("O2 vvm", "pure O2", ORANGE)), height=0.9),
        Row(
            "DO, % of air",
            (("DO", "probe below", BLUE), ("DO_2", "probe above", ORANGE)),
            "DO_setpoint",
            (0.0, 140.0),
        ),
        Row("cooling valve, %", (("cooling_valve", "cooling valve", SKY),), limits=(0.0, 105.0), height=0.8),
        Row("°C", (("temperature", "temperature", RED),), "temperature_setpoint", height=0.8),
    )
    return grid(columns, rows, "The same demanding E. coli recipe at three scales")


def faults(runs: Mapping[str, Run], kinds: Sequence[FaultKind], title: str) -> Figure:
    """Each fault in two signals, with the same culture without it in grey."""
    across, down = 2, -(-len(kinds) // 2)
    figure = Figure(figsize=(7.4, 0.4 + 1.6 * down), layout="constrained")
    figure.suptitle(title, fontsize=9.5, fontweight="bold", x=0.01, ha="left")
    cells = figure.subfigures(down, across, squeeze=False).ravel()
    for kind, cell in zip(kinds, cells, strict=False):
        sound = runs.get(f"without {kind}", runs["sound"])
        run, signals = runs[str(kind)], told(kind)
        panels = cell.subplots(len(signals), 1, sharex=True, squeeze=False)[:, 0]
        panels[0].set_title(str(kind).replace("_", " "), loc="left", pad=2)
        for axes, (signal, label) in zip(panels, signals, strict=True):
            slow = kind is FaultKind.CONTAMINATION
            unit, begin = (60.0, 0.0) if not slow else (1.0, 0.0)
            for series, colour in ((sound, "#b0b0b0"), (run, BLUE)):
                hours, values = series.lines[signal]
                axes.plot((hours * 3600.0 - FAULT_S) / 3600.0 * unit, values, color=colour, linewidth=0.8)
            if signal in {"DO", "pH"} and kind in {
                FaultKind.FROZEN_PROBE,
                FaultKind.DRIFTING_PROBE,
                FaultKind.CLIPPED_PROBE,
                FaultKind.BIASED_PROBE,
            }:
                hours, values = run.truth[signal]
                axes.plot((hours * 3600.0 - FAULT_S) / 3600.0 * unit, values, ":", color=RED, linewidth=0.9)
            axes.axvline(begin, color=RED, linewidth=0.6)
            axes.set_xlim(*((-0.5, 19.0) if slow else (-20.0, 60.0)))
            axes.set_ylabel(label, size=6)
            axes.tick_params(labelsize=6, pad=1)
            axes.margins(y=0.12)
            axes.ticklabel_format(axis="y", useOffset=False)
        panels[-1].set_xlabel("h" if kind is FaultKind.CONTAMINATION else "min", size=6, labelpad=1)
        cell.align_ylabels()
    return figure


def main() -> int:
    """Simulate, draw, and say what was drawn; 1 where a balance does not close."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, default=FOLDER, help="folder of the pictures")
    folder = parser.parse_args().to
    print("Simulating four whole batches, three scales and twenty faults; this takes some minutes.")
    return draw(folder, *everything())


def draw(folder: Path, batches: dict[str, Run], scales: dict[str, Run], broken: dict[str, Run]) -> int:
    """Draw everything into the folder; 1 where a balance does not close."""
    on_probes = [kind for kind in FaultKind if kind.endswith("_probe") or kind in OF_DEVICES]
    in_process = [kind for kind in FaultKind if kind not in on_probes]
    figures = {
        "e_coli": e_coli(batches["e_coli"]),
        "s_cerevisiae": s_cerevisiae(batches["s_cerevisiae"]),
        "cho": cho(batches["cho"]),
        "p_chrysogenum": p_chrysogenum(batches["p_chrysogenum"]),
        "scale": scale(scales),
        "faults_of_instruments": faults(
            broken, on_probes, "Faults of instruments and devices (at 0; grey: without, red dots: the truth)"
        ),
        "faults_of_the_process": faults(broken, in_process, "Faults of the process (at 0; grey: without)"),
    }
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        print(f"{path.name}: {save(figure, path) / 1000:.0f} kB")
    for folder_name in ("senck", "dasgip", "indpensim"):
        if not (DATA / folder_name).is_dir():
            print(f"{DATA / folder_name} is not there: its panels were left out. Next: SPARGE_DATA=FOLDER")
    worst = 0.0
    for name, run in {**batches, **{f"e_coli at {hull}": run for hull, run in scales.items()}}.items():
        for balance, gap in run.gaps.items():
            worst = max(worst, gap)
            if gap > HIGHEST_GAP:
                print(f"{name}: the balance of {balance} misses {gap:.2%}.", file=sys.stderr)
    print(
        f"Balances of oxygen, carbon, nitrogen, mass and heat close to {worst:.1e} of what was turned over."
    )
    return int(worst > HIGHEST_GAP)


OF_DEVICES = (
    FaultKind.FOULED_OFFGAS_LINE,
    FaultKind.LOST_DEVICE,
    FaultKind.WRONG_CLOCK,
    FaultKind.NETWORK_TROUBLE,
)

if __name__ == "__main__":
    sys.exit(main())
