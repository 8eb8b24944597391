"""The fenced blocks of the documents, and the commands in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))
}
FENCED = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block between fences."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        """Its first line."""
        return self.text.split("\n", 1)[0].strip()

    @property
    def is_doctest(self) -> bool:
        """Whether pytest runs it: all Markdown files are collected."""
        return self.language == "python" and self.text.startswith(">>>")


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page."""
    text = PAGES[page]
    return [Block(page, text.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in FENCED.finditer(text)]


ALL = [block for page in PAGES for block in blocks(page)]


def commands(block: Block) -> list[list[str]]:
    """Return the commands of a block for the shell, without comments and without the file that the output goes to."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [_command(words) for line in lines if (words := shlex.split(line, comments=True))]


def _command(words: list[str]) -> list[str]:
    return words[: words.index(">")] if ">" in words else words
