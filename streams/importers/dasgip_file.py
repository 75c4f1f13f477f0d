"""The outer form of a DASware export: bytes to text, text to sections, sections to numbered rows."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import ImportRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOTHING_SENT = "Nothing was sent."
EXPORT_AGAIN = "export the run again from DASware and import that file as it is"
_HEADING = re.compile(r'"?\[(?P<name>[^\[\]"]+)\]"?(?P<filled>;*)\s*')
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Section:
    """The lines under one heading.

    Attributes:
        name: what stands in the brackets.
        line: the heading's line number.
        lines: what follows it, without line ends.
        cut: the file ends in the middle of its last line.
    """

    name: str
    line: int
    lines: Sequence[str]
    cut: bool = False

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The cells of each row that is not empty, with the line number on which it begins.

        Raises:
            ImportRefused: the quoting is broken, or the last row is cut off.
        """
        reader = csv.reader(self.lines, delimiter=";")
        begins = self.line + 1
        last = self.line + len(self.lines)
        try:
            for cells in reader:
                ends = self.line + reader.line_num
                if self.cut and ends == last:
                    raise refused(ends, "the file ends in the middle of this row: it is cut off")
                if any(cells):
                    yield begins, cells
                begins = ends + 1
        except csv.Error as wrong:
            raise refused(begins, f"this row cannot be split into columns: {wrong}") from wrong


def refused(line: int, why: str, next_step: str = EXPORT_AGAIN) -> ImportRefused:
    """The refusal of a file for what stands on one of its lines."""
    return ImportRefused(f"line {line}: {why}.", kept=NOTHING_SENT, next_step=next_step)


def decode(body: bytes) -> str:
    """The text of an export: UTF-8 or UTF-16 where the bytes say so, else Latin-1, which DASware 4 writes.

    Raises:
        ImportRefused: the bytes are not text in any of these.
    """
    encoding = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    try:
        text = body.decode(encoding or "utf-8")
    except UnicodeDecodeError as wrong:
        if encoding is not None:
            line = body[: wrong.start].count(b"\n") + 1
            raise refused(line, f"not {encoding} as its first bytes promise: {wrong.reason}") from wrong
        text = body.decode("latin-1")
    stray = _NOT_TEXT.search(text)
    if stray is not None:
        line = text.count("\n", 0, stray.start()) + 1
        raise refused(
            line,
            f"the character {stray.group()!r} is not text: the file is damaged, or in an encoding other than "
            f"Latin-1, UTF-8 or UTF-16 with a byte order mark",
        )
    return text


def sections(text: str) -> list[Section]:
    """The sections in their order.

    Raises:
        ImportRefused: the text does not begin with a section, or was saved by a spreadsheet.
    """
    # Only line feeds end a line: Latin-1 has letters that splitlines would break at.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    cut = lines[-1] != ""
    headings = [(index, found) for index, line in enumerate(lines) if (found := _HEADING.fullmatch(line))]
    opening = next((index for index, line in enumerate(lines) if line.strip()), None)
    if not headings or headings[0][0] != opening:
        raise refused((opening or 0) + 1, 'not a DASware export, which begins with the section "[Info]"')
    if headings[0][1]["filled"]:
        raise refused(
            headings[0][0] + 1,
            "the file was saved by a spreadsheet, which drops seconds and digits of numbers",
        )
    ends = [index for index, _ in headings[1:]] + [len(lines)]
    return [
        Section(
            name=found["name"],
            line=index + 1,
            lines=[line for line in lines[index + 1 : end] if line or end < len(lines)],
            cut=cut and end == len(lines),
        )
        for (index, found), end in zip(headings, ends, strict=True)
    ]
