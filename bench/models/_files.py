"""Which files of a folder are a data set's, and what is said of the others: nothing is left out unsaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BOMS = (b"\xff\xfe", b"\xfe\xff")
"""UTF-16 begins with one of these; UTF-32, little-endian, with the first."""


class Passed:
    """What of a folder is passed over, and why; `told` are the sentences for a report."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._why: dict[str, list[str]] = {}

    def over(self, path: Path, why: str) -> None:
        """Note a file that is not scored; `why` completes "Passed over, ...: its name."."""
        self._why.setdefault(why, []).append(path.relative_to(self._data).as_posix())

    @property
    def told(self) -> tuple[str, ...]:
        """One sentence a reason, with the names of all files."""
        return tuple(f"Passed over, {why}: {', '.join(names)}." for why, names in self._why.items())

    def with_reasons(self, wrong: str) -> str:
        """Return an error's text with what was passed over behind it: the reason is often there."""
        return ". ".join((wrong.rstrip("."), *(line.rstrip(".") for line in self.told)))


def files(data: Path, passed: Passed, *suffixes: str, aside: str = "") -> list[Path]:
    """Return the files at any depth with one of the suffixes (".csv"), in any case of letters, in order.

    Others are noted in `passed`, hidden ones too: systems lay down their own beside the data. Those with the
    suffix `aside` are not: they say something of a file beside them.
    """
    found = []
    for path in sorted(data.rglob("*")):
        if path.is_dir():
            continue
        if any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(data).parts):
            passed.over(path, "hidden")
        elif path.suffix.lower() not in suffixes:
            if aside and path.suffix.lower() == aside:
                continue
            passed.over(path, "not of this format")
        else:
            found.append(path)
    return found


def refused(path: Path, line: int | None, wrong: str, next_step: str) -> ValueError:
    """Return the error of a file that cannot be read: where, what was wrong, what to do."""
    return ValueError(f"{path}{'' if line is None else f':{line}'}: {wrong}; {next_step}")


def read_text(path: Path, encoding: str = "utf-8-sig") -> str:
    """Return a file's text; line ends stay as they are.

    Raises:
        ValueError: it is UTF-16, binary, or not in the encoding; the text names the first bad line.
    """
    content = path.read_bytes()
    if content.startswith(BOMS):
        raise refused(path, None, "it is UTF-16", "save it as UTF-8")
    if (nul := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise refused(path, line, "it has bytes that are no text", "take the recording as it was exported")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise refused(path, line, f"it is not {encoding.removesuffix('-sig')} text", "save it so") from wrong
