"""The reference page of the faults: `python -m simulator.faulting.reference docs/reference/faults.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.sensing.instrument import instruments

COMMAND = "python -m simulator.faulting.reference docs/reference/faults.md"

OPENING = f"""\
# Faults of the simulated plant

Made by `{COMMAND}` from `simulator/faulting/kinds.py`; edit there.

A fault is written `[unit/]kind[:signal]@start[-end][*severity]`: times in seconds from the beginning of the
run, or with `s`, `min`, `h`, `d`; without an end it stays. `lost_stirrer@20`, `frozen_probe:DO@30-90`,
`BR-02/biased_probe:pH@6h-7.5h*-2`. A plan is YAML; what is drawn at random is the same for the same seed:

```yaml
faults:
  - {{unit: BR-01, kind: frozen_probe, signal: DO, at: 6h, for: 30min}}
  - {{unit: BR-02, kind: wrong_feed_rate, at: 7.5h, end: 9h, severity: -0.3}}
  - BR-02/lost_stirrer@12h
random: {{count: 5, kinds: [biased_probe, phage], between: [2h, 20h], lasting: [5min, 1h]}}
```

Each fault leaves all other units, and all time before it, as they are without it. The truth of a run names
for each fault its kind, unit, severity, exact start and end, and the signals in which an engineer would see
it first. Where a loop is closed through a lying instrument, its reading stays at its set point and the truth
runs off.
"""

ACTS_ON = {
    Acts.PROBE: "On one instrument (give its signal)",
    Acts.ANALYSER: "On the off-gas analyser",
    Acts.PROCESS: "On the process",
    Acts.DEVICE: "On the device that reports, or on its network",
}


def page() -> str:
    """The page, in Markdown."""
    parts = [OPENING]
    for acts, title in ACTS_ON.items():
        parts.append(f"## {title}\n")
        parts.extend(_entry(kind) for kind in FaultKind if KINDS[kind].acts is acts)
    parts.append(_gross_errors())
    return "\n".join(parts)


def _entry(kind: FaultKind) -> str:
    about = KINDS[kind]
    own = {Acts.PROBE: "the signal itself", Acts.DEVICE: "every signal of the device"}
    first = own.get(about.acts) or ", ".join(f"`{name}`" for name in about.signals)
    lines = [f"### {kind}\n", about.happens, "", f"- Shows first in {first}. {about.shows}"]
    limits = about.severity
    if limits.least == limits.most:
        lines.append("- Severity: none.")
    else:
        span = f"{limits.least:g} to {limits.most:g}"
        lines.append(f"- Severity: {limits.means}. Usual {limits.usual:g}, {span}.")
    if about.at_once:
        lines.append("- Done in a moment: it takes no end.")
    if about.lasts_s is not None:
        lines.append(f"- Without an end it lasts {about.lasts_s:g} s.")
    return "\n".join(lines) + "\n"


def _gross_errors() -> str:
    rows = [
        "## Gross errors\n",
        "The error of severity 1 of a probe that is biased, drifts or leaps. Where the instrument is chosen",
        "for its vessel it is a share of full scale, which lies somewhat above what the equipment can do.\n",
        "| signal | gross error |",
        "|---|---|",
    ]
    for name, made in instruments().items():
        size = f"{made.gross_error:g} {made.unit}"
        if made.of_full_scale:
            size = f"{100.0 * made.gross_error:g} % of full scale"
        rows.append(f"| `{name}` | {size} |")
    return "\n".join(rows) + "\n"


def main(arguments: list[str]) -> int:
    """Entry point; the only argument is the file."""
    if len(arguments) != 1:
        sys.stderr.write(f"Name the file to write: {COMMAND}\n")
        return 2
    Path(arguments[0]).write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{arguments[0]}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
