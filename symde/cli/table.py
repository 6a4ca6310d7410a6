"""Tables in plain text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = (), right: Sequence[int] = ()) -> str:
    """Rows in aligned columns, under a header if there is one; the columns `right` are aligned right."""
    lines = [list(header)] * bool(header) + [list(row) for row in rows]
    if not lines:
        return ""
    widths = [max(width(line[column]) for line in lines) for column in range(len(lines[0]))]
    if header:
        lines.insert(1, ["-" * one for one in widths])
    return "\n".join(
        "  ".join(_pad(cell, widths[i], i in right) for i, cell in enumerate(line)).rstrip() for line in lines
    )


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def _pad(text: str, columns: int, right: bool) -> str:
    fill = " " * (columns - width(text))
    return fill + text if right else text + fill
