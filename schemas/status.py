"""Quality of a sample as an OPC UA status code (OPC 10000-4, 7.39; the codes in use here)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Severity(IntEnum):
    """The two top bits of a status code."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Status(IntEnum):
    """OPC UA status codes by name; a wire code needs not be among them."""

    GOOD = 0x00000000
    GOOD_CLAMPED = 0x00300000
    GOOD_LOCAL_OVERRIDE = 0x00960000
    GOOD_ENTRY_INSERTED = 0x00A20000
    UNCERTAIN = 0x40000000
    UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE = 0x408F0000
    UNCERTAIN_LAST_USABLE_VALUE = 0x40900000
    UNCERTAIN_SUBSTITUTE_VALUE = 0x40910000
    UNCERTAIN_INITIAL_VALUE = 0x40920000
    UNCERTAIN_SENSOR_NOT_ACCURATE = 0x40930000
    UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x40940000
    UNCERTAIN_SUB_NORMAL = 0x40950000
    BAD = 0x80000000
    BAD_COMMUNICATION_ERROR = 0x80050000
    BAD_NO_COMMUNICATION = 0x80310000
    BAD_WAITING_FOR_INITIAL_DATA = 0x80320000
    BAD_CONFIGURATION_ERROR = 0x80890000
    BAD_NOT_CONNECTED = 0x808A0000
    BAD_DEVICE_FAILURE = 0x808B0000
    BAD_SENSOR_FAILURE = 0x808C0000
    BAD_OUT_OF_SERVICE = 0x808D0000
    BAD_NO_DATA = 0x809B0000
    BAD_DATA_LOST = 0x809D0000


def severity(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Severity of each code, same shape: 0 Good, 1 Uncertain, 2 Bad (OPC UA reserves 3: read as Bad)."""
    top: NDArray[np.uint32] = np.right_shift(codes, 30)
    return np.minimum(top, np.uint32(Severity.BAD))


def severity_of(code: int) -> Severity:
    """Severity of one code."""
    return Severity(min(code >> 30, Severity.BAD))
