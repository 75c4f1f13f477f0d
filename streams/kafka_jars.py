"""The jars of Apache Kafka: a pinned list, fetched once, trusted only by checksum."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from schemas.errors import DownloadFailed, NotInstalled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

KAFKA_VERSION = "4.3.1"
# Measured once for the pinned list; only progress is computed from it.
TOTAL_BYTES = 45_035_715

_TIMEOUT_S = 30
_SCRATCH = ".download-"
_ABANDONED_S = 3600.0


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file: where Maven keeps it, relative to a repository's root, and its SHA-256."""

    path: PurePosixPath
    sha256: str

    @property
    def coordinates(self) -> tuple[str, str, str]:
        """Maven group, artifact and version; the path spells them out."""
        *group, artifact, version, _ = self.path.parts
        return ".".join(group), artifact, version


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is: `name` is what is under way now; bytes of all files, not of this one."""

    name: str
    done_bytes: int
    total_bytes: int


def pinned() -> list[Jar]:
    """The jars that make a broker, in the order of the list."""
    text = resources.files("streams").joinpath("kafka_jars.sha256").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return [Jar(PurePosixPath(path), digest) for digest, path in lines]


def fetch(
    cache_dir: Path,
    progress: Callable[[DownloadProgress], None] | None = None,
    *,
    jars: Sequence[Jar] | None = None,
    repositories: Mapping[str, str] | None = None,
) -> list[Path]:
    """Paths of all jars under cache_dir, after every one of them was verified.

    What is missing or damaged is downloaded anew. A file enters the cache by one rename after its checksum
    held, so an interrupted download leaves nothing behind and two processes may fetch at once.

    Args:
        cache_dir: laid out as a Maven repository.
        progress: told about every few kilobytes.
        jars: which; default the pinned ones.
        repositories: name -> URL of the Maven repositories to ask; default the central one.

    Raises:
        DownloadFailed: no network, or a file that does not match its checksum (it is deleted).
        NotInstalled: the `embedded` extra is missing.
    """
    jars = pinned() if jars is None else jars
    missing = [jar for jar in jars if not _intact(cache_dir / jar.path, jar.sha256)]
    if missing:
        _download(missing, cache_dir, progress or _silent, repositories)
    return [cache_dir / jar.path for jar in jars]


def _silent(_: DownloadProgress) -> None:
    """Nobody watches."""


def _intact(path: Path, sha256: str) -> bool:
    """True if the file is there with this checksum; a file with another one is deleted."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            return True
    path.unlink()
    return False


def _download(
    jars: Sequence[Jar],
    cache_dir: Path,
    progress: Callable[[DownloadProgress], None],
    repositories: Mapping[str, str] | None,
) -> None:
    if importlib.util.find_spec("jgo") is None:
        raise NotInstalled("embedded", "An embedded Kafka needs the optional layer 'embedded'.")
    import requests  # noqa: PLC0415 - comes with jgo, which a device does not have
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - as above

    lacking = {jar.path for jar in jars}
    kept = [cache_dir / jar.path for jar in pinned() if jar.path not in lacking]
    done_bytes = sum(path.stat().st_size for path in kept if path.is_file())
    name = ""

    def count(chunk_bytes: int) -> None:
        nonlocal done_bytes
        done_bytes += chunk_bytes
        # What accompanies a jar (checksums, descriptions) is counted, too: never show more than all.
        progress(DownloadProgress(name, min(done_bytes, TOTAL_BYTES), TOTAL_BYTES))

    @contextmanager
    def watch(filename: str, _: int) -> Iterator[Callable[[int], None]]:
        nonlocal name
        name = filename
        yield count

    cache_dir.mkdir(parents=True, exist_ok=True)
    _clear_old_scratch(cache_dir)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=cache_dir, ignore_cleanup_errors=True) as scratch:
        # A repository of our own: the default one is the user's ~/.m2, which is not ours to fill.
        context = MavenContext(
            resolver=PythonResolver(progress_callback=watch),
            repo_cache=Path(scratch),
            remote_repos=None if repositories is None else dict(repositories),
            timeout=_TIMEOUT_S,
        )
        for jar in jars:
            group, artifact, version = jar.coordinates
            try:
                fetched = context.project(group, artifact).at_version(version).artifact().resolve()
            except (requests.RequestException, OSError, RuntimeError) as error:
                raise DownloadFailed(
                    f"{jar.path.name} of Apache Kafka {KAFKA_VERSION} could not be downloaded.",
                    detail=str(error),
                    kept=f"what was downloaded before stays in {cache_dir}",
                    next_step="check the network and any proxy (HTTPS_PROXY), then run the command again",
                ) from error
            _accept(Path(fetched), jar, cache_dir)


def _clear_old_scratch(cache_dir: Path) -> None:
    """Delete what a killed download left; one that is under way is younger."""
    for scratch in cache_dir.glob(f"{_SCRATCH}*"):
        if time.time() - scratch.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(scratch, ignore_errors=True)


def _accept(fetched: Path, jar: Jar, cache_dir: Path) -> None:
    if not _intact(fetched, jar.sha256):
        raise DownloadFailed(
            f"{jar.path.name} is not the file that Sparge was tested with; it was deleted.",
            detail=f"expected SHA-256 {jar.sha256}",
            kept="nothing was run from it",
            next_step="run the same command again; if it happens again, a proxy or mirror alters downloads: "
            "name your own broker with SPARGE_BROKER",
        )
    target = cache_dir / jar.path
    target.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(target)
