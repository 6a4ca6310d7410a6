"""The code of documentation pages, taken out of their Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^(<!-- output -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: language, text, the line it starts in, whether it shows what those before print."""

    language: str
    text: str
    line: int
    output: bool


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[2], match[3], text.count("\n", 0, match.start(3)), match[1] is not None)
        for match in _FENCE.finditer(text)
    ]


def as_program(page: Path) -> str:
    """All Python of a page as one program whose lines are the page's lines."""
    lines: list[str] = []
    for block in blocks(page):
        if block.language == "python":
            lines += [""] * (block.line - len(lines)) + block.text.splitlines()
    return "\n".join(lines) + "\n"


def position_after(expected: str, printed: str, start: int) -> int:
    """Where this output ends, in which `...` stands for anything; -1 if it is missing."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.$\n?|\.\.\.", expected, flags=re.MULTILINE)]
    match = re.compile(".*?".join(parts), re.DOTALL).search(printed, start)
    return match.end() if match else -1
