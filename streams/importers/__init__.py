"""Files of other systems, read as frames. A new format is one more entry in IMPORTERS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import ImportRefused
from streams.importers import dasgip
from streams.importers.dasgip_file import NOTHING_SENT
from streams.importers.imported import Import, ImportOptions, UnitSamples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["IMPORTERS", "Import", "ImportOptions", "Importer", "UnitSamples", "detect", "read"]

_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of file.

    Attributes:
        name: what `--format` calls it.
        title: what people call it.
        recognises: whether a file that begins with these bytes is likely of this kind.
        read: the samples of such a file.
    """

    name: str
    title: str
    recognises: Callable[[bytes], bool]
    read: Callable[[Path, ImportOptions], Import]


IMPORTERS: tuple[Importer, ...] = (Importer("dasgip", dasgip.TITLE, dasgip.recognises, dasgip.read),)


def detect(path: Path) -> Importer:
    """The importer for a file, by how the file begins.

    Raises:
        ImportRefused: the file cannot be read, or none recognises it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as wrong:
        raise ImportRefused(f"{path} cannot be read: {wrong.strerror}.", kept=NOTHING_SENT) from wrong
    for importer in IMPORTERS:
        if importer.recognises(head):
            return importer
    titles = ", ".join(f"{importer.name} ({importer.title})" for importer in IMPORTERS)
    raise ImportRefused(
        f"{path.name} is of no kind that can be imported. Known kinds: {titles}.",
        kept=NOTHING_SENT,
        next_step=f"sparge replay {path} --zone ZONE --format KIND, if you know that it is one of these",
    )


def read(path: Path, options: ImportOptions, kind: str | None = None) -> Import:
    """All samples of a file, checked before any is given out.

    Args:
        path: the file.
        options: how it is to be understood.
        kind: name of an importer; default the one that recognises the file.

    Raises:
        ImportRefused: no such importer, or the file is refused; says where and what to do.
    """
    if kind is None:
        return detect(path).read(path, options)
    for importer in IMPORTERS:
        if importer.name == kind:
            return importer.read(path, options)
    known = ", ".join(importer.name for importer in IMPORTERS)
    raise ImportRefused(f"There is no importer '{kind}'. Known: {known}.", kept=NOTHING_SENT)
