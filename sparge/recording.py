"""A simulation written to files: what the devices measured, and the truth beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import orjson

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

ROWS_AT_ONCE = 1_000_000
"""Rows that are gathered into one group of the file: 40 MB of memory."""

SUFFIX = ".parquet"


class Recording:
    """Writes three files: FILE.parquet, FILE.truth.parquet and FILE.truth.json.

    The first has a row a sample: site, unit, signal, time, value, status, ucum. The second has a row a true
    value, at every step, in the same columns but status. The third has the faults and the batches. They get
    their names when they are complete; the same simulation gives the same bytes.

    Args:
        path: FILE.parquet.
        site: where the bioreactors stand.
        ucum: unit of every signal that may come.
        about: what was simulated, kept in the files.

    Raises:
        SettingsError: as `check` has it, or nothing can be written there.
    """

    def __init__(self, path: Path, site: str, ucum: Mapping[str, str], about: Mapping[str, Any]) -> None:
        self.check(path)
        self.path = path
        self.truth_path = path.with_suffix(f".truth{SUFFIX}")
        self.story_path = path.with_suffix(".truth.json")
        self._about = dict(about)
        self._measured = _Rows(path, site, ucum, about, with_status=True)
        self._true = _Rows(self.truth_path, site, ucum, about, with_status=False)

    @staticmethod
    def check(path: Path) -> None:
        """Refuse a place where nothing can be written, before anything is simulated.

        Raises:
            SettingsError: the name does not end with .parquet, or its folder is not there.
        """
        if path.suffix != SUFFIX:
            raise SettingsError(
                f"'{path.name}' is not the name of a Parquet file.", next_step=f"--to {path.stem}{SUFFIX}"
            )
        if not path.parent.is_dir():
            raise SettingsError(f"There is no folder {path.parent}.", next_step=f"mkdir -p {path.parent}")

    @property
    def samples(self) -> int:
        """How many samples were taken so far."""
        return self._measured.count

    def add(
        self, unit: str, time_us: int, values: Mapping[str, float | None], status: Mapping[str, int]
    ) -> None:
        """Take what a device measured at one moment."""
        for signal, value in values.items():
            self._measured.add(unit, signal, time_us, value, status.get(signal, 0))

    def add_truth(self, unit: str, time_us: int, values: Mapping[str, float]) -> None:
        """Take what was true at one moment."""
        for signal, value in values.items():
            self._true.add(unit, signal, time_us, value, 0)

    def close(self, story: Mapping[str, Any]) -> None:
        """Complete the files; `story` is what happened: faults and batches."""
        self._measured.close()
        self._true.close()
        body = orjson.dumps({"simulation": self._about, **story}, option=orjson.OPT_INDENT_2)
        self.story_path.write_bytes(body + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._measured.abandon()
        self._true.abandon()


class _Rows:
    """One Parquet file that grows row group by row group."""

    def __init__(
        self, path: Path, site: str, ucum: Mapping[str, str], about: Mapping[str, Any], *, with_status: bool
    ) -> None:
        import pyarrow as pa  # noqa: PLC0415 - for those who write Parquet
        from pyarrow import parquet  # noqa: PLC0415 - as above

        self._pa = pa
        word = pa.dictionary(pa.int32(), pa.string())
        columns = [("site", word), ("unit", word), ("signal", word), ("time", pa.timestamp("us", tz="UTC"))]
        columns += [("value", pa.float64()), *([("status", pa.uint32())] if with_status else [])]
        columns += [("ucum", word)]
        self._schema = pa.schema(columns, metadata={"sparge.simulation": orjson.dumps(dict(about))})
        self._with_status = with_status
        self._site = site
        self._units: dict[str, int] = {}
        self._signals = {name: place for place, name in enumerate(ucum)}
        self._ucum = [*ucum.values()]
        self._path = path
        self._partial = path.with_name(f"{path.name}.partial")
        try:
            self._writer = parquet.ParquetWriter(self._partial, self._schema, compression="zstd")
        except OSError as wrong:
            raise SettingsError(f"{path} cannot be written: {wrong.strerror}.") from wrong
        self._open = True
        self.count = 0
        self._clear()

    def _clear(self) -> None:
        self._unit_at: list[int] = []
        self._signal_at: list[int] = []
        self._time_us: list[int] = []
        self._value: list[float | None] = []
        self._status: list[int] = []

    def add(self, unit: str, signal: str, time_us: int, value: float | None, status: int) -> None:
        self._unit_at.append(self._units.setdefault(unit, len(self._units)))
        self._signal_at.append(self._signals[signal])
        self._time_us.append(time_us)
        self._value.append(value)
        self._status.append(status)
        self.count += 1
        if len(self._value) >= ROWS_AT_ONCE:
            self._write()

    def close(self) -> None:
        if self._value:
            self._write()
        self._writer.close()
        self._open = False
        self._partial.replace(self._path)

    def abandon(self) -> None:
        """Leave no half a file behind; nothing to do after `close`."""
        if self._open:
            self._open = False
            self._writer.close()
            self._partial.unlink(missing_ok=True)

    def _write(self) -> None:
        pa = self._pa
        signal_at = np.array(self._signal_at, dtype=np.int32)
        arrays = [
            self._words(np.zeros(signal_at.size, dtype=np.int32), [self._site]),
            self._words(np.array(self._unit_at, dtype=np.int32), [*self._units]),
            self._words(signal_at, [*self._signals]),
            pa.array(np.array(self._time_us, dtype="datetime64[us]"), type=pa.timestamp("us", tz="UTC")),
            pa.array(self._value, type=pa.float64()),
        ]
        if self._with_status:
            arrays.append(pa.array(self._status, type=pa.uint32()))
        arrays.append(self._words(signal_at, self._ucum))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._clear()

    def _words(self, places: NDArray[np.int32], words: list[str]) -> Any:
        distinct = [*dict.fromkeys(words)]
        if len(distinct) < len(words):
            places = np.array([distinct.index(word) for word in words], dtype=np.int32)[places]
        return self._pa.DictionaryArray.from_arrays(places, distinct)
