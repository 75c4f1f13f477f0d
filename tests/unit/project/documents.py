"""The project's pages as the tests read them: their code blocks and their links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"console", "sh", "python", "sql", "yaml", "json", "text"}
"""console: commands after `$ ` and what they print; sh: commands alone."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code in a page."""

    page: Path
    language: str
    text: str

    @property
    def place(self) -> str:
        """Page and first line, to name it by."""
        return f"{self.page.relative_to(ROOT)}: {self.text.splitlines()[0] if self.text else ''}"

    def commands(self) -> str:
        """The lines that are typed, of a block for the shell."""
        if self.language == "console":
            lines = self.text.replace("\\\n", " ").splitlines()
            return "\n".join(line[2:] for line in lines if line.startswith("$ "))
        return self.text if self.language == "sh" else ""


def blocks(*languages: str) -> list[Block]:
    """Every code block in these languages, in all pages."""
    found = [
        Block(page, language, text)
        for page in PAGES
        for language, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if not languages or block.language in languages]


def links(page: Path) -> list[str]:
    """Every target of a link or picture that is a file of the project."""
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    return [target for target in targets if "://" not in target]
