"""IndPenSim's files: batches of samples with a units row, and what says which fault each of them has."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.models._files import read_text, refused
from bench.models._table import headless, missing, number, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.models._files import Passed
    from bench.models._table import Table

TIME = "time_h"
STATES = "_states"
ALL_PROCESS_FAULTS = 6
SOUND_MOST = 90
"""Of the hundred batches that were published with the simulator, the last ten have faults."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One file: `time_s` (N,), `value` (N, S), `fault` (N,) and the windows of it as row ranges."""

    name: str
    time_s: NDArray[np.float64]
    value: NDArray[np.float64]
    fault: NDArray[np.bool_]
    windows: tuple[tuple[int, int], ...]
    notes: tuple[str, ...] = field(default=())


class Unlabelled(ValueError):
    """Nothing says whether a batch has a fault, so it is neither a reference nor judged."""


class OtherFormat(ValueError):
    """A file is no batch of the simulation."""


def read(path: Path, signals: Sequence[str], by_code: Mapping[int, Sequence[Sequence[int | None]]]) -> Batch:
    """Read a batch: two header rows, then numbers.

    Raises:
        OtherFormat: there is no column of time.
        Unlabelled: nothing says which fault the batch has, or it ends before its fault begins.
        ValueError: a signal is missing, a cell is no number, the times do not rise, a code is not known.
    """
    table = read_table(path, unit_rows=1)
    if headless(table):
        raise refused(path, table.first_line, "it has no header", "put a row of names and one of units first")
    time = table.name(TIME)
    if time is None:
        raise OtherFormat(f"{path}: there is no column {TIME}")
    own = [table.name(name) for name in signals]
    if lacking := [name for name, found in zip(signals, own, strict=True) if found is None]:
        raise refused(path, table.first_line, f"there is no column {', '.join(lacking)}", "add it")
    time_s = table.times_us(time, _hours_us) / 1e6
    value = table.numbers([name for name in own if name is not None])
    fault = _faults(table, by_code)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], fault.astype(np.int8), [0]])))
    windows = tuple((int(first), int(last)) for first, last in edges.reshape(-1, 2))
    few = missing(value)
    name = re.sub(rf"{STATES}$", "", path.stem, flags=re.IGNORECASE)
    return Batch(name, time_s, value, fault, windows, (f"{path.name}: {few}.",) if few else ())


def read_all(
    found: Sequence[Path],
    signals: Sequence[str],
    by_code: Mapping[int, Sequence[Sequence[int | None]]],
    passed: Passed,
) -> list[Batch]:
    """Read the batches of a folder; other formats, unlabelled ones, single rows, copies are passed over."""
    batches: list[Batch] = []
    for path in found:
        try:
            batch = read(path, signals, by_code)
        except Unlabelled as unknown:
            passed.over(path, f"{unknown}")
            continue
        except OtherFormat:
            passed.over(path, "not of this format")
            continue
        copied = next((one for one in batches if _same(one, batch)), None)
        if batch.time_s.size < 2:
            passed.over(path, "shorter than two samples")
        elif copied is not None:
            passed.over(path, f"the same samples as {copied.name}")
        else:
            batches.append(batch)
    return batches


def _faults(table: Table, by_code: Mapping[int, Sequence[Sequence[int | None]]]) -> NDArray[np.bool_]:
    """(N,) rows with a fault, from a column of the file or the code beside it."""
    path, count = table.path, len(table)
    flag = next((name for name in table.cells if name.lower().startswith("fault")), None)
    if flag is not None:
        told = table.flags(flag, tuple(float(code) for code in range(9)))
        if np.isnan(told).all():
            raise Unlabelled(f"unlabelled (its column {flag} is blank)")
        if np.isnan(told).any():
            line = table.lines[int(np.argmax(np.isnan(told)))]
            raise refused(path, line, f"{flag} is blank", "write 0 or the fault, or leave the column out")
        return told > 0
    code = _code(path)
    known = {0, ALL_PROCESS_FAULTS, *by_code}
    if code not in known:
        said = ", ".join(str(one) for one in sorted(known))
        raise refused(_meta(path), None, f"the fault code {code} is not known", f"codes are {said}")
    fault = np.zeros(count, dtype=np.bool_)
    for each in (1, 2, 3, 4, 5) if code == ALL_PROCESS_FAULTS else (code,):
        for first, last in by_code.get(each, ()):
            fault[(first or 1) - 1 : last] = True
    if code and not fault.any():
        raise Unlabelled(f"faulty by its code {code}, but it ends before the fault begins")
    return fault


def _code(path: Path) -> int:
    """The fault code beside a batch, 0 for none: published batches are known by their number to have none."""
    beside = _meta(path)
    if not beside.exists():
        raise Unlabelled(f"unlabelled (neither a column nor {beside.name} says which fault it has)")
    try:
        told: Any = json.loads(read_text(beside))
    except json.JSONDecodeError as wrong:
        how = f"it is no JSON ({wrong.msg})"
        raise refused(beside, wrong.lineno, how, "mend it, or remove it with its batch") from wrong
    if not isinstance(told, dict):
        raise refused(
            beside, None, "it is no JSON object", 'it says which fault the batch has: {"faults": 0}'
        )
    code = told.get("faults")
    if code is None:
        published = re.fullmatch(r"Batch_0*(\d+)", str(told.get("batch_ref", "")))
        if published and 1 <= int(published[1]) <= SOUND_MOST:
            return 0
        raise Unlabelled("unlabelled (the file beside it does not say which fault it has)")
    if not isinstance(code, int) or isinstance(code, bool):
        raise refused(beside, None, f"faults is {code!r}", "it is a whole number, 0 for none")
    return code


def _meta(path: Path) -> Path:
    """The file beside a batch that names its fault, in whatever case of letters it is written."""
    stem = re.sub(rf"{STATES}$", "", path.stem, flags=re.IGNORECASE)
    name = f"{stem}_meta.json"
    return next(
        (one for one in path.parent.iterdir() if one.name.lower() == name.lower()), path.with_name(name)
    )


def _hours_us(cell: str) -> int:
    return round(number(cell) * 3.6e9)


def _same(one: Batch, other: Batch) -> bool:
    return np.array_equal(one.time_s, other.time_s) and np.array_equal(one.value, other.value, equal_nan=True)
