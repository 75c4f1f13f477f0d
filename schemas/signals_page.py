"""Write the reference of the signals: `python -m schemas.signals_page docs/reference/signals.md`."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from schemas.aliases import WORDS, canonical
from schemas.ne107 import SignalClass, Symptom, diagnosis, status
from schemas.signals import DICTIONARY, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from schemas.signals import Limits, SignalSpec

COMMAND = "python -m schemas.signals_page docs/reference/signals.md"

CLASSES: dict[SignalClass, str] = {
    "process": "The process: what probes read in the broth and above it",
    "gas": "Gas in and out",
    "liquid": "Liquids: what is in the vessel, and what is pumped into it",
    "equipment": "Equipment: drives, jacket, valves, pumps",
    "setpoint": "Set points",
    "derived": "Derived from other signals",
    "offline": "Offline: assays of samples",
}
HEAD = f"""Adding one is adding an entry to `schemas/signals.yaml`.
This page is written by `{COMMAND}`.

Values are stored in the unit given here (UCUM), whatever unit they were sent in. Ranges hold in vessels
of up to 100,000 L; what grows with the vessel has its range per litre of working volume, too.
Gas flows are in standard litres (0 Cel, 1.01325 bar), pressures are absolute. A held signal is reported
when it changes, a total counts up and may be set back."""
LIMITS = """The first line of a signal that fits phase, culture and vessel applies; where one of these is not
known, only lines for any. They are values to start from: a plant reviews each before it relies on it."""
NE107 = """By NAMUR NE 107 (F failure, C function check, S out of specification, M maintenance required),
with the OPC UA status that follows for the value."""
SIGNAL_HEADS = (
    *("signal", "meaning", "unit", "plausible", "per litre"),
    *("at most /min", "noise", "reading", "frozen, stale"),
)
_SYMPTOMS: dict[Symptom, str] = {
    "out_of_range": "out of range",
    "frozen": "frozen",
    "stale": "stale",
    "rate": "too fast",
    "spike": "spiking",
    "clipping": "clipped",
    "out_of_service": "out of service",
    "clock": "clock wrong",
}


def page() -> str:
    """The page, as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("# Signals", "", f"{len(DICTIONARY)} signals are declared. {HEAD}")
    for signal_class, title in CLASSES.items():
        signals = [signal for signal in DICTIONARY.values() if signal.signal_class == signal_class]
        yield from ("", f"## {title}", "")
        yield from _table(
            SIGNAL_HEADS,
            (_row(signal) for signal in signals),
        )
    yield from ("", "## Default limits", "")
    yield from (LIMITS, "")
    yield from _table(
        ("signal", "phase", "culture", "vessel", "low low", "low", "high", "high high", "source"),
        (_limits_row(signal, these) for signal in DICTIONARY.values() for these in signal.limits),
    )
    yield from ("", "## What a sick reading means for its device", "")
    yield from (NE107, "")
    yield from _table(("class", *_SYMPTOMS.values()), (_diagnosis_row(each) for each in CLASSES))
    own = [row for signal in DICTIONARY.values() for row in _own_diagnosis(signal)]
    if own:
        yield from ("", "Signals that differ from their class:", "")
        yield from _table(("signal", "symptom", "NE 107", "status"), own)
    yield from ("", "## What others call them", "")
    yield from ("Capitals and separators do not count (`schemas/aliases.yaml`).", "")
    yield from _table(("signal", "names, and vendors' tags with their units"), _alias_rows())
    yield from ("", "## Where range, rate and noise come from", "")
    yield from _table(("signal", "source"), ((signal.name, signal.source) for signal in DICTIONARY.values()))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _row(signal: SignalSpec) -> tuple[str, ...]:
    sampling = "" if signal.sampling_s is None else f", {_number(signal.sampling_s)} s"
    health = f"{_number(signal.frozen_after_s)}, {_number(signal.stale_after_s)}"
    return (
        f"`{signal.name}`",
        signal.title,
        f"`{signal.unit}`",
        _range(signal.plausible),
        _range(signal.per_litre),
        _number(signal.max_rate_per_min),
        _number(signal.noise),
        f"{signal.reading}{sampling}",
        "-" if health == "-, -" else f"{health} s",
    )


def _limits_row(signal: SignalSpec, these: Limits) -> tuple[str, ...]:
    where = (", ".join(named) if named else "any" for named in (these.phases, these.cultures, these.vessels))
    values = (these.low_low, these.low, these.high, these.high_high)
    return (f"`{signal.name}`", *where, *map(_number, values), these.source)


def _diagnosis_row(signal_class: SignalClass) -> tuple[str, ...]:
    means = diagnosis(signal_class)
    return (
        signal_class,
        *(
            f"{getattr(means, symptom)} `{status(symptom, getattr(means, symptom), signal_class).name}`"
            for symptom in get_args(Symptom)
        ),
    )


def _own_diagnosis(signal: SignalSpec) -> Iterator[tuple[str, ...]]:
    usual = diagnosis(signal.signal_class)
    for symptom, said in _SYMPTOMS.items():
        verdict = getattr(signal.ne107, symptom)
        if verdict is not getattr(usual, symptom):
            yield f"`{signal.name}`", said, verdict, f"`{signal.status(symptom).name}`"


def _alias_rows() -> Iterator[tuple[str, str]]:
    called: dict[str, list[str]] = {}
    for vendor, entries in read_yaml(files("schemas").joinpath("aliases.yaml").read_text("utf-8")).items():
        tags: dict[str, list[str]] = {}
        for tag in entries:
            alias = canonical(tag, None if vendor == WORDS else vendor)
            if alias is not None:
                unit = f" [{alias.unit}]" if alias.unit else ""
                tags.setdefault(alias.signal, []).append(f"{tag}{unit}")
        for signal, names in tags.items():
            of = "" if vendor == WORDS else f"{vendor}: "
            called.setdefault(signal, []).append(of + ", ".join(f"`{name}`" for name in names))
    for signal in DICTIONARY:
        if signal in called:
            yield f"`{signal}`", "; ".join(called[signal])


def _range(pair: tuple[float, float] | None) -> str:
    return "-" if pair is None else f"{_number(pair[0])} to {_number(pair[1])}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"


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
