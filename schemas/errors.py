"""Every error that Sparge raises on purpose, in one tree, branched by cause.

SpargeError
├── ContractError            a message that does not mean what its contract says
│   ├── FrameRefused         a frame refused whole: goes to the dead-letter topic
│   ├── FrameTooLarge        a frame that the publisher itself refuses to send
│   ├── UnitUnknown          not a UCUM unit
│   ├── UnitIncompatible     a UCUM unit of another quantity
│   └── SnapshotRefused      a stored memory that is torn, foreign or of an unknown version
├── BrokerError
│   ├── BrokerUnreachable
│   ├── TopicMismatch        a topic that differs from its declaration
│   ├── DeliveryFailed       messages that the broker did not acknowledge
│   └── ProducerFenced       another worker has taken over: end this one
├── StorageError
│   ├── DatabaseUnreachable
│   ├── LogMismatch          positions of another log
│   ├── SchemaTooNew         a database migrated by a later Sparge
│   └── DatabaseRefused
├── SettingsError
├── SupervisionError
│   ├── AlreadyRunning
│   ├── PartFailed
│   │   └── WorkerStuck      a worker that has stopped making progress
│   └── DownloadFailed
├── ImportRefused
├── ModelRefused             a recipe or a change of the registry that breaks a rule
├── NotInstalled             an optional layer is missing
├── QueryRefused
└── Unidentifiable           data that do not determine the quantity asked for
"""

from __future__ import annotations

from enum import StrEnum


class SpargeError(Exception):
    """Sparge cannot do what was asked.

    Args:
        message: the plain cause, for the person in front of the screen; if empty, the class's own first line.
        detail: the technical detail, for whoever has to mend it.
        kept: what was not lost.
        next_step: the next command to type.
    """

    def __init__(self, message: str = "", *, detail: str = "", kept: str = "", next_step: str = "") -> None:
        self.message = message or self._default()
        self.detail = detail
        self.kept = kept
        self.next_step = next_step
        super().__init__(self.message)

    @classmethod
    def _default(cls) -> str:
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0]


class Reason(StrEnum):
    """Why a frame was refused; the `reason` of its dead letter."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    RAGGED = "ragged"
    UNKNOWN_UNIT = "unknown_unit"
    INCOMPATIBLE_UNIT = "incompatible_unit"
    UNIT_CONFLICT = "unit_conflict"
    KEY_MISMATCH = "key_mismatch"
    TOO_LARGE = "too_large"
    TIME_AHEAD = "time_ahead"
    UNKNOWN_VERSION = "unknown_version"
    EMPTY = "empty"


class ContractError(SpargeError):
    """The message does not follow its contract."""


class FrameRefused(ContractError):
    """The frame does not follow the sparge.frame/1 contract and was refused whole.

    Args:
        reason: one word for programs to count and filter by.
        where: path of the offending field in the body, such as `signals.DO.values[3]`; empty for the whole.
        message: what was wrong, where, and what to do about it.
    """

    def __init__(self, reason: Reason, where: str, message: str, *, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.reason = reason
        self.where = where


class FrameTooLarge(ContractError):
    """The frame is larger than a frame may be."""


class UnitUnknown(ContractError):
    """The unit is not a UCUM unit."""


class UnitIncompatible(ContractError):
    """The unit measures another quantity."""


class SnapshotRefused(ContractError):
    """The stored memory of a unit cannot be taken up."""


class BrokerError(SpargeError):
    """The broker did not do what was asked."""


class BrokerUnreachable(BrokerError):
    """The broker cannot be reached."""


class TopicMismatch(BrokerError):
    """A topic differs from its declaration."""


class DeliveryFailed(BrokerError):
    """Messages were not acknowledged by the broker."""


class ProducerFenced(BrokerError):
    """Another worker has taken over this partition."""


class StorageError(SpargeError):
    """The database did not do what was asked."""


class DatabaseUnreachable(StorageError):
    """The database cannot be reached."""


class LogMismatch(StorageError):
    """The database holds positions of another log."""


class SchemaTooNew(StorageError):
    """The database was migrated by a later version of Sparge."""


class DatabaseRefused(StorageError):
    """The database refused the request."""


class SettingsError(SpargeError):
    """A setting is missing or wrong."""


class SupervisionError(SpargeError):
    """A part of the system could not be kept running."""


class AlreadyRunning(SupervisionError):
    """Sparge is already running in this data directory."""


class PartFailed(SupervisionError):
    """A part of the system failed to start or keeps failing."""


class WorkerStuck(PartFailed):
    """A worker has stopped making progress and is ended, to be started again."""


class DownloadFailed(SupervisionError):
    """A download failed or does not match its checksum."""


class ImportRefused(SpargeError):
    """The file cannot be imported."""


class ModelRefused(SpargeError):
    """The model cannot be used or changed as asked."""


class NotInstalled(SpargeError):
    """An optional layer of Sparge is not installed.

    Args:
        extra: the name of the extra that brings it, such as `server` or `embedded`.
    """

    def __init__(self, extra: str, message: str = "", *, detail: str = "") -> None:
        super().__init__(
            message or f"This needs the optional layer '{extra}', which is not installed.",
            detail=detail,
            next_step=f"pip install 'sparge[{extra}]'",
        )
        self.extra = extra


class QueryRefused(SpargeError):
    """The query cannot be answered as asked."""


class Unidentifiable(SpargeError):
    """The data do not determine the quantity asked for."""
