"""A run: one fed-batch with faults put in, given out second by second."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.faults import Fault, FaultKind, Truth, truths
from simulator.fed_batch import FedBatch


@dataclass(frozen=True, slots=True)
class SampleRow:
    """All signals at one second of the run, each in its unit of `Run.units`."""

    time_s: float
    values: Mapping[str, float]

    def time_us(self, origin_us: int) -> int:
        """When it was measured, in microseconds UTC, for a run whose second 0 is `origin_us`."""
        return origin_us + round(self.time_s * 1e6)


class Run:
    """A fed-batch with faults; the same arguments give the same rows.

    Row k covers second k - 1 to k: a fault that starts at 20 s first shows in the row of 21 s.

    Args:
        seed: of culture and noise.
        start_h: culture hour at which the run begins.
        faults: what goes wrong, in seconds of the run.
    """

    def __init__(self, seed: int, start_h: float = 0.0, faults: Iterable[Fault] = ()) -> None:
        self.fed_batch = FedBatch(seed, start_h)
        self.faults = tuple(faults)
        self._second = 0

    @property
    def units(self) -> Mapping[str, str]:
        """UCUM unit of each signal."""
        return self.fed_batch.units

    @property
    def time_s(self) -> float:
        """Seconds of the run that have passed, heard or not."""
        return float(self._second)

    def truths(self, origin_us: int | None = None) -> tuple[Truth, ...]:
        """What really goes wrong in this run, and when."""
        return truths(self.faults, origin_us)

    def next_second(self) -> SampleRow | None:
        """The next row, or None for a second in which the device is lost; a run has no end of its own."""
        begins = float(self._second)
        active = [fault for fault in self.faults if fault.active(begins)]
        self.fed_batch.drive_stirrer(works=all(fault.kind is not FaultKind.LOST_STIRRER for fault in active))
        self.fed_batch.hang(fault.signal for fault in active if fault.signal is not None)
        values = self.fed_batch.step()
        self._second += 1
        if any(fault.kind is FaultKind.LOST_DEVICE for fault in active):
            return None
        return SampleRow(float(self._second), values)
