"""The data directory: what lies where, who runs in it, and how other commands reach that."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import AlreadyRunning, SettingsError

_CLAIM_WAIT_S = 1.0


class RunningPart(BaseModel):
    """One supervised process as it was last seen."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int | None
    restarts: int
    log: str
    metrics: str = ""


class Running(BaseModel):
    """What runs in a data directory.

    `environment` is what a process needs in order to reach it: SPARGE_BROKER, SPARGE_DATABASE and their
    kin. It holds passwords, so the file is readable by its owner alone.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    since_us: int
    command: str
    environment: dict[str, str]
    about: dict[str, str] = {}
    parts: tuple[RunningPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """A data directory and the places in it."""

    path: Path

    @property
    def kafka(self) -> Path:
        """The embedded broker's data."""
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        """The embedded database's data."""
        return self.path / "postgres"

    @property
    def workers(self) -> Path:
        """What the workers' engine keeps on disk."""
        return self.path / "workers"

    @property
    def logs(self) -> Path:
        """What the parts write while they run."""
        return self.path / "logs"

    @property
    def demo(self) -> Self:
        """The demonstration's own data directory."""
        return type(self)(self.path / "demo")

    @property
    def run_file(self) -> Path:
        """What runs here and where it listens."""
        return self.path / "run.json"

    @property
    def lock_file(self) -> Path:
        """Locked for as long as a supervisor runs here."""
        return self.path / "up.lock"

    def make(self) -> None:
        """Create the directory, for its owner alone; raises SettingsError if that cannot be."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(f"The data directory {self.path} cannot be made.", error) from error

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Be the only supervisor here while the block runs; raises AlreadyRunning."""
        self.make()
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(f"The data directory {self.path} cannot be written to.", error) from error
        try:
            # A command that only looks holds the lock for an instant: give it that instant.
            deadline = time.monotonic() + _CLAIM_WAIT_S
            while not _locked(descriptor, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise AlreadyRunning(f"Sparge already runs in {self.path}.", kept="It was left as it is.")
                time.sleep(0.05)
            try:
                yield
            finally:
                with suppress(FileNotFoundError):
                    self.run_file.unlink()
        finally:
            os.close(descriptor)

    def running(self) -> Running | None:
        """Return what runs here now, or None; what a killed supervisor left behind counts for nothing."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY)
        except OSError:
            return None
        try:
            if _locked(descriptor, fcntl.LOCK_SH):
                return None
            return Running.model_validate_json(self.run_file.read_bytes())
        except (FileNotFoundError, PermissionError, ValidationError):
            return None  # it is just starting or stopping, or it is somebody else's
        finally:
            os.close(descriptor)

    def starting(self) -> bool:
        """Whether Sparge is just starting or stopping here: claimed, and nothing to be reached."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDONLY)
        except OSError:
            return False
        try:
            return not _locked(descriptor, fcntl.LOCK_SH) and not self.run_file.exists()
        finally:
            os.close(descriptor)

    def tell(self, running: Running) -> None:
        """Write down what runs here, readable by its owner alone, all at once."""
        draft = self.run_file.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(running.model_dump_json(indent=1))
        draft.replace(self.run_file)

    def wipe(self) -> list[str]:
        """Delete what the embedded parts keep here, and nothing else; returns the names of it."""
        gone = [place for place in (self.kafka, self.postgres, self.workers, self.logs) if place.exists()]
        # Moved away first: what a Ctrl-C leaves half deleted must never be taken for data again.
        doomed = self.path / "deleted"
        shutil.rmtree(doomed, ignore_errors=True)
        doomed.mkdir(mode=0o700, exist_ok=True)
        for place in gone:
            place.rename(doomed / place.name)
        shutil.rmtree(doomed)
        return [place.name for place in gone]


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(message: str, error: OSError) -> SettingsError:
    return SettingsError(
        message,
        detail=str(error),
        next_step="name one that you may write to: SPARGE_HOME=/some/directory",
    )
